"""What is trained on: tasks, data sets, models, losses, metrics, test functions, seeds."""
