"""`mnist_mlp`: the multi-layer perceptron 784-1000-500-100-10 of DeepOBS, on handwritten digits.

ReLU between the layers; weights from a normal law of standard deviation 0.03 cut at two standard
deviations, biases 0. It has no dropout.
"""

from __future__ import annotations

from typing import Any

from experiments.tasks.base import digits


def build(dropout: int) -> Any:
    """Returns the model; Keras's global seed decides the weights, and there is no dropout."""
    import keras
    from keras import layers

    def dense(units: int, activation: str | None) -> Any:
        weights = keras.initializers.TruncatedNormal(stddev=0.03)
        return layers.Dense(units, activation=activation, kernel_initializer=weights)

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            dense(1000, "relu"),
            dense(500, "relu"),
            dense(100, "relu"),
            dense(10, None),
        ]
    )


TASK = digits("mnist_mlp", "MLP 784-1000-500-100-10", 1_336_610, build)
