"""One paper a file. Rules import `tfoptim.optimizer`, `tfoptim.declaration` and `tfoptim.ops`, never TensorFlow."""
