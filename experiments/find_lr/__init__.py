"""The learning-rate range test, with its figure and its command."""
