"""Current numbers of an optimizer: one float64 vector, a variable that every step reads.

Set eagerly, a number is known: it is kept with the vector, checked, and decides whether TensorFlow's kernels keep its
precision. `tfoptim.update.in_function` sets numbers inside a `tf.function`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.config import Configured
from tfoptim.declaration.fields import Field
from tfoptim.declaration.slots import slot_groups, starting
from tfoptim.groups import values
from tfoptim.scalar import host
from tfoptim.state import Runtime
from tfoptim.update import kernels
from tfoptim.update.in_function import in_function, present, put, set_in_function, unknown


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
            rate = self._runtime.owner._learning_rate.value.numpy()
        return value if rate.dtype.type(value) == rate else float(rate)

    def _read(self, field: Field) -> Any:
        """Returns the value of `optimizer.<field>`; for the learning rate, the variable or the scheduled value.

        A number that steps set is a float outside of them, and a tensor inside.
        """
        if field.name in self.without:
            return 1.0  # to Keras's TensorBoard, every optimizer has a learning rate
        if field.name == "learning_rate":
            rate = self._runtime.owner._learning_rate
            return rate if isinstance(rate, keras.Variable) else rate(self.iterations)
        if field.name == "use_ema" and self._runtime.trainer is not None:
            return self._runtime.trainer.use_ema  # Keras's callbacks ask the parts
        if field.name in self._runtime.set_in_functions:
            eager = tf.executing_eagerly() or not isinstance(self.numbers()[field.name], float)
            return self.given(field.name) if eager else tf.cast(self.now(field.name), keras.config.floatx())
        return super()._read(field)

    def _write(self, field: Field, value: Any) -> None:
        """Assigns a field, or has the wrapper do it that shares the values."""
        runtime = self._runtime
        if runtime.owner is not self:
            runtime.owner._write(field, value)
            return
        if runtime.trainer is not None:
            runtime.trainer.check_of_part(field.name)
        self._assign(field, value)

    def _assign(self, field: Field, value: Any) -> None:
        """Assigns a field, from the next step on; raises if a built optimizer cannot follow."""
        if field.name in self.without:
            raise AttributeError(
                f"{type(self).__name__} has no {field.name}: leave out what sets it, such as a callback."
            )
        runtime = self._runtime
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
        if field.name in starting(self):
            raise ValueError(
                f"{type(self).__name__}: {field.name} is read when the optimizer is built, and cannot change later; "
                "make a new optimizer."
            )
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
        return list(was) == list(becomes) and all(a == b or _alike(a, b) or _flags(a, b) for a, b in pairs)
    return isinstance(was, float) and isinstance(becomes, float)


def _flags(was: Any, becomes: Any) -> bool:
    """Returns whether both say if a group is trained."""
    return isinstance(was, bool) and isinstance(becomes, bool)


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
    return [
        float(x) if isinstance(x, (float, bool)) else 0.0
        for x in [*numbers.values(), *values(optimizer.given("groups"))]
    ]
