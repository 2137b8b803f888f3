"""Moving average of half-precision weights, kept in float32 and shown in the weights' precision.

The average has float32, or it would stand still: 0.99 of a bfloat16 and 0.01 of the next round to the first. Code that
moves averages and weights into each other, such as `keras.callbacks.SwapEMAWeights`, takes them to be of one precision,
and swaps by `w += a; a = w - a; w = w - a`, which in half precision brings neither back. So this code is handed an
object that reads and writes the average in the weights' precision, recognises this swap and makes it exact, and gives
an average that comes back from the weights the digits it had before it went there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.state import raw


@dataclass
class _Memory:
    """Values of earlier accesses on one device.

    Args:
        weights: the weights when the average was last read.
        former: the average before it was last assigned.
        swapped: whether the weights have been given the average already, so that there is nothing left to subtract.
    """

    weights: Any = None
    former: Any = None
    swapped: bool = False


class Average:
    """A float32 average that acts as a variable of the weights' precision; delegates to its variable."""

    def __init__(self, variable: Any, weights: Any) -> None:
        self.variable, self.weights = variable, weights
        self._memories: dict[str, _Memory] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["variable"], name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The class of the wrapped variable, because TensorFlow updates only distributed variables on all devices."""
        own = raw(vars(self)["variable"])
        return type(own) if isinstance(own, tf.distribute.DistributedValues) else Average

    @property
    def values(self) -> list[_Part]:
        """The parts on each device, which TensorFlow passes in turn."""
        return [_Part(copy.device, self) for copy in raw(self.variable).values]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        del copy
        return np.asarray(self.variable.numpy(), dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        """Returns the average, in the weights' precision if requested."""
        del name
        now = tf.convert_to_tensor(raw(self.variable))
        if dtype is None or dtype == now.dtype:
            return now
        rounded = tf.cast(now, dtype)
        return self._read(rounded) if tf.executing_eagerly() and dtype == self._dtype else rounded

    def assign(self, value: Any) -> tf.Tensor:
        """Assigns the average; an array or a tensor of any float dtype."""
        average = raw(self.variable)
        new = tf.cast(value if tf.is_tensor(value) else tf.convert_to_tensor(value), average.dtype)
        if tf.executing_eagerly():
            new = self._written(new, tf.convert_to_tensor(average))
        average.assign(new)
        return new

    @property
    def _dtype(self) -> tf.DType:
        return raw(self.weights).dtype

    def _memory(self) -> _Memory:
        device = tf.convert_to_tensor(raw(self.variable)).device
        return self._memories.setdefault(device, _Memory())

    def _read(self, rounded: tf.Tensor) -> tf.Tensor:
        memory, weights = self._memory(), tf.convert_to_tensor(raw(self.weights))
        if memory.swapped:
            memory.swapped = False
            return tf.zeros_like(rounded)
        if memory.weights is None or not _equal(weights, memory.weights + rounded):
            memory.weights = weights
        return rounded

    def _written(self, new: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
        """Returns the value to store for a new average: the more precise one if both are equal in half precision."""
        memory, rounded = self._memory(), tf.cast(now, self._dtype)
        if self._is_swap(memory, new, rounded):
            new = tf.cast(memory.weights, now.dtype)
            raw(self.weights).assign(rounded)
            memory.swapped = True
        short = tf.cast(new, self._dtype)
        coarse = tf.equal(tf.cast(short, new.dtype), new)
        kept = tf.where(tf.logical_and(coarse, tf.equal(short, rounded)), now, new)
        former, memory.weights = memory.former, None
        memory.former = now
        if former is None:
            return kept
        returned = tf.equal(short, tf.cast(former, self._dtype))
        if bool(tf.reduce_all(returned)):
            memory.former = None  # restored; the other is no longer needed
        return tf.where(tf.logical_and(coarse, returned), former, kept)

    def _is_swap(self, memory: _Memory, new: tf.Tensor, rounded: tf.Tensor) -> bool:
        """Returns whether Keras is swapping weights and average: the weights are their sum."""
        if memory.weights is None:
            return False
        weights = tf.convert_to_tensor(raw(self.weights))
        added = _equal(weights, memory.weights + rounded)
        return added and _equal(tf.cast(new, rounded.dtype), weights - rounded)


@dataclass(frozen=True)
class _Part:
    """The part of an average on one device, to which TensorFlow assigns."""

    device: str
    average: Average

    def assign(self, value: Any) -> tf.Tensor:
        """Assigns the average on this device."""
        return self.average.assign(value)


def _equal(x: tf.Tensor, y: tf.Tensor) -> bool:
    return bool(tf.reduce_all(tf.equal(x, y)))


def shown(averages: list[Any], variables: list[Any]) -> list[Any]:
    """Returns the averages as shown to others, wrapped if their precision differs from the weights'."""
    pairs = zip(averages, variables, strict=True)
    return [a if a is None or raw(a).dtype == raw(v).dtype else Average(a, v) for a, v in pairs]
