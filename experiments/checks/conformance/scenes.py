"""What several rows need: variables, one step after the other, a small model, numbers in few digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def weight(value: Any = 0.0, dtype: str = "float32", name: str = "weight") -> Any:
    """Returns a trainable variable."""
    return keras.Variable(np.asarray(value, "float64"), dtype=dtype, name=name)


def values(variable: Any) -> np.ndarray:
    """Returns a variable's elements in float64."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float64")))


def steps(optimizer: Any, gradients: Sequence[Any], start: Any = 0.0, dtype: str = "float32") -> np.ndarray:
    """Returns the weights after one step per gradient, and after what the end of `fit` does to them."""
    variable = weight(start, dtype)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [variable])
    optimizer.finalize_variable_values([variable])
    return values(variable)


def traced(optimizer: Any, variable: Any) -> Callable[[Any], None]:
    """Returns a compiled step for one variable."""
    optimizer.build([variable])

    @tf.function  # type: ignore[untyped-decorator]
    def step(gradient: Any) -> None:
        optimizer.apply([gradient], [variable])

    return lambda gradient: step(tf.constant(gradient, variable.dtype))


def small_model(optimizer: Any, seed: int = 0) -> Any:
    """Returns a compiled model of a dense layer on two inputs."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, bias_initializer="ones", name="dense")])
    model.compile(optimizer, "mse")
    return model


def number(value: Any) -> str:
    """Returns a number in three digits."""
    value = float(value)
    return f"{0.0 if abs(value) < 1e-12 else value:.3g}"
