"""Access to variables: Keras's and TensorFlow's, on one device or many."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfoptim.scalar import Scalar

VARIABLE = (keras.Variable, tf.Variable)


def path(variable: Any) -> str:
    """Returns the name of a variable for messages."""
    return str(getattr(variable, "path", variable.name))


def is_float(variable: Any) -> bool:
    """Returns whether a variable can be trained."""
    return bool(tf.as_dtype(variable.dtype).is_floating)


def compute_dtype(dtype: Any) -> tf.DType:
    """Returns the precision in which a variable of `dtype` is updated and its slots are kept: float32 at least."""
    dtype = tf.as_dtype(dtype)
    return tf.float32 if dtype.size < tf.float32.size else dtype


def raw(variable: Any) -> Any:
    """Returns the tf.Variable behind a keras.Variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def local(strategy: Any, value: Any) -> Any:
    """Returns this worker's first copy of a value that is the same on every device."""
    return strategy.experimental_local_results(value)[0]


def copies(strategy: Any, variable: Any) -> tuple[Any, ...]:
    """Returns this worker's copies of a variable, one tf.Variable per device."""
    return tuple(strategy.experimental_local_results(raw(variable)))


def toward(variable: Any, target: Any, share: Scalar) -> None:
    """Moves a variable by `share` of the way to `target`, a tensor of its shape and dtype, float32 or float64."""
    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=share.cast(variable.dtype), delta=variable - target
    )
