"""The base of schedules that are computed in float64."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration import Interval, presentation
from tfoptim.scalar import host

VALUE = Interval(0.0, schedulable=False)
"""Values of schedules, and factors on them."""


class Exact(keras.optimizers.schedules.LearningRateSchedule):
    """Base of schedules computed in float64; constructor arguments are attributes of the same names."""

    arguments: tuple[str, ...]
    between: tuple[str, ...]

    @property
    def ends(self) -> tuple[float, ...]:
        """The extreme values; an optimizer refuses a schedule whose extremes are out of range."""
        return tuple(getattr(self, name) for name in self.between)

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the value at a step, a float64 scalar; float32 for a step in float32.

        Args:
            step: counted from 0; a number, tensor or variable.
        """
        single = tf.is_tensor(step) and step.dtype == tf.float32
        with host():
            return self.at(step if single else tf.cast(step, tf.float64))

    def at(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value at a step given in float64, which is exact up to 2**53."""
        raise NotImplementedError(f"{type(self).__name__} must define at(step).")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {name: getattr(self, name) for name in self.arguments}

    def __repr__(self) -> str:
        return presentation.call(type(self).__name__, {name: getattr(self, name) for name in self.arguments})
