"""What every test needs before TensorFlow is imported."""

import os

# On a Mac, tensorflow-metal drops the ReLU of a dense layer in graph mode unless its remapper is off.
os.environ.setdefault("TURN_OFF_REMAPPER", "1")

# A shell may say how wide its terminal is; what tests read of a command has lines of any length.
os.environ.pop("COLUMNS", None)
