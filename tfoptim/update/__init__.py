"""Update of one variable: choice of an executor, the executors and their inputs."""
