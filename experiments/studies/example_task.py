"""A task and an optimizer of one's own, for the study example.toml: two moons, and descent by signs.

A task is any object with `data()` and `model(seed)`. Its class numbers and logits make it a classification, judged by
cross entropy and accuracy; `docs/compare/own-study.md` has what else it may say.
"""

from typing import Any

import keras
import numpy as np


class Moons:
    """Which of two half moons does a point belong to?"""

    title = "MLP on two moons"

    def data(self) -> list[tuple[Any, Any]]:
        """Returns points [n, 2] and class numbers [n] for training, validation and test: the same at every call."""
        draw = np.random.default_rng(0)
        angle, label = draw.uniform(0, np.pi, 1000), draw.integers(0, 2, 1000)
        moon = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = np.where(label[:, None] == 1, [1.0, 0.5] - moon, moon) + draw.normal(0, 0.15, (1000, 2))
        return [(points[part], label[part]) for part in (slice(600), slice(600, 800), slice(800, 1000))]

    def model(self, seed: int) -> Any:
        """Returns the model; Keras's global seed is set, so that initial weights follow from the seed by themselves."""
        return keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(16, "tanh"),
                keras.layers.Dense(2),  # logits: no softmax
            ]
        )


TASK = Moons()


class SignDescent(keras.optimizers.Optimizer):  # type: ignore[misc, unused-ignore]
    """Steps of one length, against the sign of each gradient."""

    def __init__(self, learning_rate: float = 0.01, name: str = "sign_descent", **arguments: Any) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **arguments)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Takes a step of one variable."""
        rate = keras.ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, rate * keras.ops.sign(gradient))
