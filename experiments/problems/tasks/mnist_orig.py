"""`mnist_orig`: the ConvNet of the project this one redoes, on handwritten digits.

Convolution 5x5 of 32 filters, ReLU, max pooling 2; convolution 3x3 of 64 filters, ReLU, max
pooling 2; dense layer of 1,024 without activation; dropout of one half; dense layer of 10 logits.
Valid padding throughout, Keras's default initialisation (Glorot uniform, biases 0).
"""

from __future__ import annotations

from typing import Any

from experiments.problems.tasks.base import digits


def build(dropout: int) -> Any:
    """Returns the model; Keras's global seed decides the weights, `dropout` the dropout keys."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(1024),
            layers.Dropout(0.5, seed=dropout),
            layers.Dense(10),
        ]
    )


TASK = digits("mnist_orig", "ConvNet (1,669,002 parameters)", 1_669_002, build, dropout=True)
