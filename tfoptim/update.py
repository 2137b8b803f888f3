"""What every executor is given: hyperparameters, and one variable's part of a step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.ops import Scalar


class Slots:
    """The state of one variable as the rule sees it: declared names only, to read and to replace."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            declared = ", ".join(vars(self)) or "none"
            raise AttributeError(f"{name!r} is not a declared slot. Declared: {declared}.")
        vars(self)[name] = value

    def __contains__(self, name: str) -> bool:
        return name in vars(self)


@dataclass(frozen=True)
class Update:
    """What is known when a variable is to be updated.

    Args:
        optimizer: whose rule runs.
        h: hyperparameters of this step.
        gradient: tensor, or IndexedSlices without repeated rows, in the variable's compute dtype.
        variable: tf.Variable.
        slots: name -> tf.Variable.
        decay: None, or the share of the weights that this step takes off first.
    """

    optimizer: Any
    h: SimpleNamespace
    gradient: Any
    variable: Any
    slots: Mapping[str, Any]
    decay: Scalar | None

    def number(self, scalar: Scalar) -> tf.Tensor:
        """Returns a hyperparameter in the gradient's precision, as the kernels take it."""
        return scalar.cast(self.gradient.dtype)

    @property
    def size(self) -> int:
        """Returns the number of elements of the variable."""
        return math.prod(self.variable.shape)


def hyperparameters(optimizer: Any, step: Any, numbers: Any, rate: Any) -> SimpleNamespace:
    """Returns the hyperparameters of one step, each a Scalar, None where switched off; computed once for all variables.

    Args:
        optimizer: whose fields they are.
        step: int64 tensor, completed updates; schedules see it, the rule sees `t = step + 1`.
        numbers: float64 tensor with the current value of every number field.
        rate: the learning-rate variable's value, or None under a schedule.
    """
    h = SimpleNamespace(t=Scalar(tf.cast(step, tf.float64)) + 1, zero=Scalar(0.0))
    declared: dict[str, Any] = optimizer.numbers()
    for (name, value), number in zip(declared.items(), tf.unstack(numbers, len(declared)), strict=True):
        now: Any = value(step) if callable(value) else number
        setattr(h, name, None if value is None else Scalar(tf.cast(now, tf.float64)))
    if rate is not None:
        # The variable is float32, as in Keras, and others assign it. As long as it is the declared number rounded,
        # the declared number is meant.
        exact = h.learning_rate.value
        kept = tf.equal(tf.cast(exact, rate.dtype), rate)
        h.learning_rate = Scalar(tf.where(kept, exact, tf.cast(rate, tf.float64)))
    return h
