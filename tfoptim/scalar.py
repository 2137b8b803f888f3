"""Numbers of a step: hyperparameters and what is computed from them, float64 until they meet an array."""

from __future__ import annotations

import contextlib
import functools
import operator
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

import tensorflow as tf


@functools.cache
def on_metal() -> bool:
    """Returns whether TensorFlow runs on an Apple GPU, which has no XLA, no float64, and its own set of kernels."""
    return platform.system() == "Darwin" and bool(tf.config.list_physical_devices("GPU"))


def host() -> AbstractContextManager[Any]:
    """Returns the device for scalar arithmetic: the CPU on machines with an Apple GPU, else the current device."""
    return tf.device("CPU:0") if on_metal() else contextlib.nullcontext()


_IN_BRANCH = ContextVar("in a branch", default=False)


@contextlib.contextmanager
def branch() -> Iterator[None]:
    """Caches nothing of what Scalars compute inside: tensors of one branch of a graph do not exist in another."""
    token = _IN_BRANCH.set(True)
    try:
        yield
    finally:
        _IN_BRANCH.reset(token)


class Scalar:
    """A float64 number that adopts the precision of the tensor it is combined with.

    Hyperparameters and what is computed from them (`1 - beta_2`, `beta_1 ** t`) stay float64 until they are combined
    with a gradient or a weight; only then are they rounded, once, to that tensor's dtype. So a float64 model is float64
    throughout, and in bfloat16 0.999 never becomes 1.

    An expression of scalars is computed once for all variables: results and casts are cached.

    A float32 tensor stays float32, and so do results computed from it: see `tfoptim.update.context.portable`.
    """

    __array_priority__ = 1000  # NumPy hands the operation over to this class

    def __init__(self, value: Any) -> None:
        single = tf.is_tensor(value) and value.dtype == tf.float32
        with host():
            self.value = value if single else tf.convert_to_tensor(value, tf.float64)
        self._known: dict[Any, Any] = {}

    def cast(self, dtype: Any) -> tf.Tensor:
        """Returns the number as a tensor of `dtype`."""
        return self.once(("cast", dtype), lambda: tf.cast(self.value, dtype))

    def map(self, function: Callable[[tf.Tensor], tf.Tensor]) -> Scalar:
        """Applies a function of one tensor."""
        result: Scalar = self.once(function, lambda: Scalar(function(self.value)))
        return result

    def once(self, key: Any, compute: Callable[[], Any]) -> Any:
        """Returns the cached result for `key`, computed on the first call, or on each in a `branch`."""
        if key in self._known:
            return self._known[key]
        with host():
            value = compute()
        if not _IN_BRANCH.get():
            self._known[key] = value
        return value

    def combine(self, function: Callable[[Any, Any], Any], other: Any, swapped: bool = False) -> Any:
        """Applies a function of two arguments to this number and another number, or to an array in its precision."""
        if not isinstance(other, (Scalar, int, float)):
            other = tf.convert_to_tensor(other)
            mine = self.cast(other.dtype)
            return function(other, mine) if swapped else function(mine, other)

        def compute() -> Scalar:
            mine, value = alike(self.value, as_scalar(other).value)
            return Scalar(function(value, mine) if swapped else function(mine, value))

        return self.once((function, other, swapped), compute)

    def __add__(self, other: Any) -> Any:
        return self.combine(operator.add, other)

    def __radd__(self, other: Any) -> Any:
        return self.combine(operator.add, other, swapped=True)

    def __sub__(self, other: Any) -> Any:
        return self.combine(operator.sub, other)

    def __rsub__(self, other: Any) -> Any:
        return self.combine(operator.sub, other, swapped=True)

    def __mul__(self, other: Any) -> Any:
        return self.combine(operator.mul, other)

    def __rmul__(self, other: Any) -> Any:
        return self.combine(operator.mul, other, swapped=True)

    def __truediv__(self, other: Any) -> Any:
        return self.combine(operator.truediv, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.combine(operator.truediv, other, swapped=True)

    def __mod__(self, other: Any) -> Any:
        return self.combine(operator.mod, other)

    def __pow__(self, other: Any) -> Any:
        return self.combine(operator.pow, other)

    def __rpow__(self, other: Any) -> Any:
        return self.combine(operator.pow, other, swapped=True)

    def __neg__(self) -> Scalar:
        return self.map(operator.neg)

    def __lt__(self, other: Any) -> Any:
        return self.compare(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self.compare(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self.compare(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self.compare(operator.ge, other)

    def compare(self, function: Callable[[Any, Any], Any], other: Any) -> tf.Tensor:
        """Returns a boolean tensor, a condition for `tfoptim.ops.where`."""
        if tf.is_tensor(other):
            return function(self.cast(other.dtype), other)
        return self.once((function, other), lambda: function(*alike(self.value, as_scalar(other).value)))


def as_scalar(x: Any) -> Scalar:
    """Returns a number as a Scalar."""
    return x if isinstance(x, Scalar) else Scalar(x)


def alike(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns two numbers in one precision, the lower."""
    if x.dtype == y.dtype:
        return x, y
    return tf.cast(x, tf.float32), tf.cast(y, tf.float32)


def choose(condition: tf.Tensor, x: Scalar, y: Scalar) -> Scalar:
    """Returns the first number where a condition is true, else the second."""
    return Scalar(tf.where(condition, *alike(x.value, y.value)))
