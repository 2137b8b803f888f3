"""Numbers assigned inside a `tf.function`, by a tensor or a number.

The present numbers are in one float64 vector, a variable that every step reads (`tfoptim.update.live`). Set inside a
function, a number is known only when the function runs: it is read from the vector, its range is checked there, and no
kernel is used that might round it away. A function compiled by XLA (`jit_compile=True`) runs without the check of the
range, as XLA leaves out all assertions.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.domains import FRACTION, Interval
from tfoptim.declaration.slots import keeps_slots, starting
from tfoptim.scalar import host


def in_function(optimizer: Any, field: Any, value: Any) -> bool:
    """Returns whether an assignment changes a number of an optimizer inside a `tf.function`."""
    number = field.domain.live and value is not None and not callable(value)
    return number and optimizer._runtime.numbers is not None and not tf.executing_eagerly()


def unknown(value: Any) -> bool:
    """Returns whether a value is known only when the function runs."""
    is_variable = isinstance(value, (keras.Variable, tf.Variable))
    return is_variable or (tf.is_tensor(value) and tf.get_static_value(value) is None)


def set_in_function(optimizer: Any, field: Any, value: Any) -> None:
    """Adds the assignment of a number to the function being traced.

    Args:
        optimizer: whose number it is.
        field: the number's declaration.
        value: scalar tensor or variable, or a number that is in the range.

    Raises:
        TypeError: `value` is no real number.
        ValueError: it is no scalar or out of the range, or the number is one that cannot be set by a tensor.
    """
    what = f"{type(optimizer).__name__}: {field.name}"
    number = _scalar(what, value)
    with tf.init_scope():
        _check_acts(optimizer, field, what)
    if field.name not in optimizer._runtime.set_in_functions:
        optimizer._runtime.set_in_functions.add(field.name)
        optimizer._runtime.eager.clear()  # steps whose kernels may round this number away
    with tf.control_dependencies([_check_range(optimizer, field, what, number)]):
        number = tf.identity(number)
    put(optimizer, field.name, number)
    if field.name == "learning_rate":
        rate = optimizer._learning_rate
        rate.assign(tf.cast(number, rate.dtype))


def put(optimizer: Any, name: str, number: Any) -> None:
    """Writes one number into the vector."""
    index = list(optimizer.numbers()).index(name)
    with host():
        present = tf.convert_to_tensor(optimizer._runtime.numbers.value)
        number = tf.reshape(tf.convert_to_tensor(number, tf.float64), [1])
        optimizer._runtime.numbers.assign(tf.tensor_scatter_nd_update(present, [[index]], number))


def present(optimizer: Any, name: str) -> float:
    """Returns the current number in the vector; while a function is traced, the number before it."""
    index = list(optimizer.numbers()).index(name)
    with tf.init_scope():
        return float(keras.ops.convert_to_numpy(optimizer._runtime.numbers)[index])


def _scalar(what: str, value: Any) -> tf.Tensor:
    tensor = tf.constant(value, tf.float64) if isinstance(value, float) else tf.convert_to_tensor(value)
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
        raise TypeError(f"{what} must be a number or a LearningRateSchedule, got a tensor of {tensor.dtype.name}.")
    if tensor.shape.rank not in (0, None):
        raise ValueError(f"{what} must be a scalar, got shape {tuple(tensor.shape)}.")
    return tf.cast(tf.ensure_shape(tensor, []), tf.float64)


def _check_acts(optimizer: Any, field: Any, what: str) -> None:
    """Raises if a step would not see or could not follow the number."""
    name = field.name
    was = optimizer._runtime.values[name]
    if not isinstance(was, float):
        kind = "switched off (None)" if was is None else "a schedule"
        raise ValueError(f"{what} is {kind}, and a step cannot set it; give a number when you make the optimizer.")
    if name in starting(optimizer):
        raise ValueError(f"{what} is read when the optimizer is built, and no step can set it.")
    if not keeps_slots(optimizer, {name: _inside(field.domain)}):
        raise ValueError(
            f"{what}={was} needs no slot and another number does, so that no step can set it; give a number other than "
            f"{was} when you make the optimizer."
        )


def _inside(domain: Interval) -> float:
    """Returns an interior number of an interval."""
    return (domain.low + domain.high) / 2 if math.isfinite(domain.high) else domain.low + 1


def _check_range(optimizer: Any, field: Any, what: str, number: tf.Tensor) -> tf.Operation:
    """Returns an operation that fails if the number is out of range, or if a step traced earlier rounds it."""
    domain: Interval = field.domain
    above = number >= domain.low if domain.closed_low else number > domain.low
    below = number <= domain.high if domain.closed_high else number < domain.high
    good = above & below & tf.math.is_finite(number)
    if domain == FRACTION and optimizer._runtime.fused:
        rounded = tf.cast(tf.cast(number, tf.float32), tf.float64)
        good &= tf.abs(rounded - number) <= 1e-3 * (1 - number)
    return tf.debugging.Assert(good, [f"{what} must satisfy {domain}, got", number])
