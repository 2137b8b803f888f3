"""Numbers assigned inside a `tf.function`, by a tensor or a number.

The present numbers are in one float64 vector, a variable that every step reads. Set eagerly, a number is known: it is
kept beside the vector, checked, and decides whether TensorFlow's kernels keep its precision. Set inside a function, it
is known only when the function runs: it is read from the vector, its range is checked there, and no kernel is used
that might round it away. A function compiled by XLA (`jit_compile=True`) runs without the check of the range, as XLA
leaves out all assertions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.config import Configured
from tfoptim.declaration.domains import FRACTION, Interval
from tfoptim.declaration.fields import Field
from tfoptim.declaration.slots import slot_groups
from tfoptim.groups import values
from tfoptim.scalar import host
from tfoptim.state import Runtime
from tfoptim.update import kernels


class Live(Configured):
    """The part of an optimizer that holds the current values of its hyperparameters while it trains."""

    def _configure(self, arguments: Mapping[str, Any]) -> None:
        """Validates the arguments, passes Keras its own, and makes the number fields live."""
        runtime = self.__dict__["_runtime"] = Runtime(owner=self)
        super()._configure(arguments)
        runtime.numbers = _variable(self)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the children that TensorFlow saves; a SavedModel has no config, so it needs the numbers too."""
        children = super()._trackable_children(save_type, **kwargs)
        return children | {"hyperparameters": self._runtime.numbers.value} if save_type == "savedmodel" else children

    def now(self, name: str) -> Any:
        """Returns the current value of a number field: None, or a float64 tensor that a traced step reads each time."""
        numbers = self.numbers()
        if callable(numbers[name]):
            return tf.cast(numbers[name](self.iterations), tf.float64)
        return None if numbers[name] is None else self._runtime.numbers.value[list(numbers).index(name)]

    def given(self, name: str) -> Any:
        """Returns the value of a field as given, or as assigned since."""
        value = super().given(name)
        if name in self._runtime.set_in_functions and isinstance(value, float):
            value = present(self, name)
        if name != "learning_rate" or callable(value):
            return value
        with tf.init_scope():
            rate = keras.ops.convert_to_numpy(self._runtime.owner._learning_rate)
        return value if rate.dtype.type(value) == rate else float(rate)

    def _read(self, field: Field) -> Any:
        """Returns the value of `optimizer.<field>`; for the learning rate, the variable or the scheduled value.

        A number that steps set is a float outside of them, and a tensor inside.
        """
        if field.name == "learning_rate":
            rate = self._runtime.owner._learning_rate
            return rate if isinstance(rate, keras.Variable) else rate(self.iterations)
        if field.name in self._runtime.set_in_functions:
            eager = tf.executing_eagerly() or not isinstance(self.numbers()[field.name], float)
            return self.given(field.name) if eager else tf.cast(self.now(field.name), keras.config.floatx())
        return super()._read(field)

    def _write(self, field: Field, value: Any) -> None:
        """Assigns a field, from the next step on; raises if a built optimizer cannot follow."""
        runtime = self._runtime
        if runtime.owner is not self:
            runtime.owner._write(field, value)
            return
        made = runtime.numbers is not None
        inside = in_function(self, field, value)
        if inside and unknown(value):
            set_in_function(self, field, value)
            return
        value = field.parse(type(self).__name__, value)
        value = self._checked(field.name, value)
        old, new = runtime.values, runtime.values | {field.name: value}
        if made and self.built and value != old[field.name]:
            self._check_can_follow(field, old, new)
        if inside:
            set_in_function(self, field, value)
            return
        if made and field.name == "learning_rate":
            keras.optimizers.Optimizer.learning_rate.fset(self, value)
        runtime.values = new
        if made and field.name == "groups":
            self._hold_groups()
        if made and field.domain.live:
            put(self, field.name, value if isinstance(value, float) else 0.0)

    def _hold_groups(self) -> None:
        """Makes the numbers of groups live, which are the same in number once the optimizer is built."""
        with tf.init_scope():
            if self.built:
                self._runtime.numbers.assign(_vector(self))
            else:
                self._runtime.numbers = _variable(self)

    def _check_can_follow(self, field: Field, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Raises unless a traced step can follow a change: a number for a number, with the same structure."""
        before = _structure(self)
        self._runtime.values = new
        after = _structure(self)
        self._runtime.values = old
        was, becomes = old[field.name], new[field.name]
        scheduled = field.name == "learning_rate" and callable(was)  # Keras raises with a hint
        if not scheduled and (not _alike(was, becomes) or before != after):
            raise ValueError(
                f"{type(self).__name__}: {field.name} cannot change from {was!r} to {becomes!r} once the optimizer is "
                "built; make a new optimizer."
            )


def _structure(optimizer: Live) -> Any:
    """Returns the properties of the numbers that a traced step has fixed: its slots, and whether kernels fit."""
    return [list(group) for group in slot_groups(optimizer)], kernels.precisions_kept(optimizer)


def _alike(was: Any, becomes: Any) -> bool:
    """Returns whether a traced step can follow a change: a number for a number, in groups of the same patterns too."""
    if isinstance(was, dict) and isinstance(becomes, dict):
        pairs = [(value, becomes[key]) for key, value in was.items() if key in becomes]
        return list(was) == list(becomes) and all(a == b or _alike(a, b) for a, b in pairs)
    return isinstance(was, float) and isinstance(becomes, float)


def _variable(optimizer: Live) -> Any:
    """Returns the variable with the current numbers.

    Float64, so that 0.999 is 0.999 in a float64 model; not part of the saved state: the config has the values.
    """
    with host():
        return keras.Variable(
            _vector(optimizer),
            dtype="float64",
            trainable=False,
            aggregation="only_first_replica",
            name="hyperparameters",
        )


def _vector(optimizer: Live) -> list[float]:
    """Returns the current number of each number field, and 0 for schedules and None, which are not read there."""
    numbers = {
        **optimizer.numbers(),
        **{name: present(optimizer, name) for name in optimizer._runtime.set_in_functions},
    }
    return [x if isinstance(x, float) else 0.0 for x in [*numbers.values(), *values(optimizer.given("groups"))]]


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
    values, name = optimizer._runtime.values, field.name
    was = values[name]
    if not isinstance(was, float):
        kind = "switched off (None)" if was is None else "a schedule"
        raise ValueError(f"{what} is {kind}, and a step cannot set it; give a number when you make the optimizer.")
    slots = [dict(group) for group in slot_groups(optimizer)]
    if name in (slot.start for group in slots for slot in group.values()):
        raise ValueError(f"{what} is read when the optimizer is built, and no step can set it.")
    try:
        values[name] = _inside(field.domain)
        same = [list(group) for group in slot_groups(optimizer)] == [list(group) for group in slots]
    finally:
        values[name] = was
    if not same:
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
