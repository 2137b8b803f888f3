"""Domains of hyperparameters: the allowed values, and the error message for any other.

A number may also be a learning-rate schedule, evaluated at each step.
"""

from __future__ import annotations

import difflib
import math
import numbers
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, Union, runtime_checkable

import keras
import numpy as np
import tensorflow as tf


@runtime_checkable
class Schedule(Protocol):
    """A schedule for type checkers; at run time, Keras's `LearningRateSchedule`."""

    def __call__(self, step: Any) -> Any:
        """Returns the value at a step, counted from 0."""

    def get_config(self) -> Any:
        """Returns the constructor's arguments."""


Number = Union[float, Schedule]  # noqa: UP007  an alias that `Annotated` and both type checkers read


@dataclass(frozen=True)
class Interval:
    """Finite numbers between `low` and `high`; a bound belongs to the interval if it is closed there.

    With `schedulable=False`, a schedule is refused: for arguments of schedules, and numbers that no step reads.
    """

    low: float
    high: float = math.inf
    closed_low: bool = True
    closed_high: bool = False
    schedulable: bool = True
    live = True  # a new number takes effect at the next step, also after tracing

    def __str__(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "|x| < inf"
        if math.isinf(self.high):
            return f"x {'>=' if self.closed_low else '>'} {self.low:g}"
        return f"{self.low:g} {'<=' if self.closed_low else '<'} x {'<=' if self.closed_high else '<'} {self.high:g}"

    def _range(self) -> str:
        high = f"{self.high:g}" if math.isfinite(self.high) else "inf"
        return f"{'[' if self.closed_low else '('}{self.low:g}, {high}{']' if self.closed_high else ')'}"

    def parse(self, what: str, value: Any) -> Any:
        """Returns `value` as a float, or the schedule itself; raises one sentence for anything else."""
        if isinstance(value, keras.optimizers.schedules.LearningRateSchedule) and self.schedulable:
            for end in getattr(value, "ends", ()):  # tfoptim's schedules; the range of others is unknown
                self._number(f"{what}, which {value} takes to {end:g},", end)
            return value
        return self._number(what, value)

    def _number(self, what: str, value: Any) -> float:
        number = as_float(what, value, self.schedulable)
        above = self.low <= number if self.closed_low else self.low < number
        below = number <= self.high if self.closed_high else number < self.high
        if not (math.isfinite(number) and above and below):
            raise ValueError(f"{what} must satisfy {self}, got {number!r}. Allowed: finite numbers in {self._range()}.")
        return number


@dataclass(frozen=True)
class Integer:
    """Integers from `low` upwards. With `one_is_none`, 1 means None; with `required`, messages do not offer None."""

    low: int
    one_is_none: bool = False
    required: bool = False
    live = False

    def __str__(self) -> str:
        return f"integer >= {self.low}"

    def parse(self, what: str, value: Any) -> Any:
        """Returns `value` as an int, or None for 1 if that means None; raises one sentence for anything else."""
        allowed = f"an integer >= {self.low}{'' if self.required else ' or None'}"
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
            raise TypeError(f"{what} must be {allowed}, got {shown(value)}.")
        if self.one_is_none and value == 1:
            return None
        if value < self.low:
            raise ValueError(f"{what} must be {allowed}, got {int(value)}.")
        return int(value)


@dataclass(frozen=True)
class Flag:
    """True or False."""

    live = False

    def __str__(self) -> str:
        return "True or False"

    def parse(self, what: str, value: Any) -> bool:
        """Returns `value` as a bool; raises one sentence for anything else."""
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{what} must be True or False, got {shown(value)}.")
        return bool(value)


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    live = False

    def __str__(self) -> str:
        return " | ".join(f'"{word}"' for word in self.words)

    def parse(self, what: str, value: Any) -> str:
        """Returns `value`; raises one sentence for anything else."""
        if not isinstance(value, str) or value not in self.words:
            got = shown(value) if np.ndim(value) or len(repr(value)) > 40 else repr(value)
            raise ValueError(f"{what} must be one of {self}, got {got}.{nearest(str(value), self.words)}")
        return str(value)


NonNegative = Annotated[Number, Interval(0.0)]
Positive = Annotated[Number, Interval(0.0, closed_low=False)]
FRACTION = Interval(0.0, 1.0)  # decay rates of averages: rules use 1 - x
Fraction = Annotated[Number, FRACTION]
ClosedFraction = Annotated[Number, Interval(0.0, 1.0, closed_high=True)]
Steps = Annotated[int, Integer(1)]
Period = Annotated[int, Integer(1, required=True)]
Count = Annotated[int, Integer(0, required=True)]
NonFinite = Annotated[Literal["propagate", "skip", "raise"], Choice(("propagate", "skip", "raise"))]
Accumulation = Annotated[int, Integer(2, one_is_none=True)]


def as_float(what: str, value: Any, schedulable: bool = True) -> float:
    """Returns a Python, NumPy or TensorFlow number as a float; raises one sentence for anything else.

    Args:
        what: owner and argument, for the message.
        value: the argument.
        schedulable: whether the message offers a schedule.
    """
    kinds = "a number or a LearningRateSchedule" if schedulable else "a number"
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what} must be {kinds}; a bool is not a number here, got {value}.")
    value = _as_array(what, value)
    if isinstance(value, (np.ndarray, np.generic)):
        if value.ndim:
            raise ValueError(f"{what} must be a scalar, got shape {value.shape}.")
        value = value.item()
    if isinstance(value, numbers.Real) and value is not True and value is not False:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{what} must be {kinds} within float64, got {shown(value)}.") from None
    kinds = kinds.replace("number", "number (Python, NumPy or 0-d tensor)")
    if not schedulable or not callable(value):
        raise TypeError(f"{what} must be {kinds}, got {shown(value)}.")
    raise ValueError(f"{what} must be {kinds}, got {shown(value)}. {_no_schedule(value)}")


def _no_schedule(value: Any) -> str:
    """Returns why a callable is not a schedule, and what to use instead."""
    cls = value if isinstance(value, type) else type(value)
    if not any(base.__name__ == "LearningRateSchedule" for base in cls.__mro__):
        return "A Python function would be frozen when the step is traced: use keras.optimizers.schedules."
    if isinstance(value, type):
        return f"It is a class: pass an instance, {cls.__name__}(...)."
    there = f"keras.optimizers.schedules.{cls.__name__}"
    known = hasattr(keras.optimizers.schedules, cls.__name__)
    way = f"make it with {there}" if known else "derive its class from keras.optimizers.schedules.LearningRateSchedule"
    return f"It is a schedule of {cls.__module__.partition('.')[0]}, and this is Keras 3: {way}."


def _as_array(what: str, value: Any) -> Any:
    """Returns a tensor or variable as an array (half precision as float64), anything else unchanged."""
    if not isinstance(value, (keras.Variable, tf.Variable)) and not tf.is_tensor(value):
        return value
    if not isinstance(value, (keras.Variable, tf.Variable, tf.Tensor)):
        raise TypeError(f"{what} must be a number, got {shown(value)}.")
    if not isinstance(value, tf.Tensor):
        warnings.warn(
            f"{what} takes the present value of a Variable, and does not follow it; to change it, assign the "
            "optimizer's attribute.",
            UserWarning,
            stacklevel=2,
        )
    tensor = tf.convert_to_tensor(value)
    if not tf.executing_eagerly() and tf.get_static_value(tensor) is None:
        raise TypeError(
            f"{what} must be a known value, got a tensor computed inside a tf.function. Pass a number, and assign the "
            "tensor to the optimizer's attribute inside the function."
        )
    if tensor.dtype.is_floating:
        tensor = tf.cast(tensor, tf.float64)
    return tf.get_static_value(tensor)


def shown(value: Any) -> str:
    """Returns the type and the start of a value, for messages."""
    return f"{type(value).__name__} {str(value)[:40]!r}" if value is not None else "None"


def check_model(what: str, model: Any) -> None:
    """Raises unless an argument is a Keras model."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"{what}: model must be a Keras model, got {shown(model)}.")


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean ...?` if `known` has a similar word, ignoring case, else an empty string."""
    spelled = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.75)
    return f" Did you mean {spelled[close[0]]!r}?" if close else ""
