"""How one variable is updated: the choice of an executor, the executors and what they are given."""
