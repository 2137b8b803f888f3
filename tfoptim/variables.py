"""Access to variables: Keras's and TensorFlow's, on one device or many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from tfoptim.scalar import Scalar

VARIABLE = (keras.Variable, tf.Variable)


def path(variable: Any) -> str:
    """Returns the name of a variable for messages."""
    return str(getattr(variable, "path", variable.name))


def listed(what: str, variables: Any) -> list[Any]:
    """Returns variables as a list; raises one sentence for a single variable, a model or anything else."""
    if isinstance(variables, keras.Layer):
        raise TypeError(
            f"{what} takes a list of variables, got {type(variables).__name__}: give its trainable_variables."
        )
    found = None if isinstance(variables, VARIABLE) or not isinstance(variables, Iterable) else list(variables)
    strange = [variables] if found is None else [v for v in found if not isinstance(v, VARIABLE)]
    if found is None or strange:
        hint = ": put it into a list" if isinstance(strange[0], VARIABLE) else ""
        raise TypeError(f"{what} takes a list of variables, got {type(strange[0]).__name__}{hint}.")
    return found


def check_named(what: str, variables: Any, patterns: Any) -> None:
    """Raises unless `variables` is a list of variables or paths, and `patterns` one of strings; each may be None."""
    kinds = (*VARIABLE, str)
    for name, value, allowed in (("var_list", variables, kinds), ("var_names", patterns, str)):
        one = isinstance(value, kinds) or not isinstance(value, Iterable)
        strange = [value] if one else [item for item in value if not isinstance(item, allowed)]
        if value is not None and strange:
            got = repr(value) if isinstance(value, str) else type(strange[0]).__name__
            raise TypeError(f"{what}: {name} must be a list of {_LISTED[name]}, got {got}.")


_LISTED = {"var_list": "variables or their paths", "var_names": "strings"}


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


def readable(variable: Any) -> Any:
    """Returns a variable, or zeros of its shape where it has no value yet.

    A model without input shape is built within `fit`, and its variables get their values after the optimizer is built.
    The first update starts slots from them again.
    """
    has_value = tf.TensorShape(variable.shape).is_compatible_with(tf.convert_to_tensor(raw(variable)).shape)
    return variable if has_value else tf.zeros(variable.shape, variable.dtype)


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
