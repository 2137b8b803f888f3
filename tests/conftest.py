"""What every test needs before TensorFlow is imported."""

import os

# On a Mac, tensorflow-metal drops the ReLU of a dense layer in graph mode unless its remapper is off.
os.environ.setdefault("TURN_OFF_REMAPPER", "1")
