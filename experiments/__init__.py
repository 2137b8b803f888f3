"""A program that compares optimizers: study -> runs -> records -> figures."""
