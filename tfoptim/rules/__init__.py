"""One paper a file. Rules import `tfoptim.base`, `tfoptim.fields` and `tfoptim.ops`, never TensorFlow."""
