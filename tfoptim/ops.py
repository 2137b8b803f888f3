"""Arithmetic for rules, on TensorFlow tensors, NumPy arrays and plain numbers.

Rules import from here and never from TensorFlow, so that the same lines run in a training step, on the touched rows of
an embedding, and in float64 NumPy (`tfoptim.simulate`).
"""

from __future__ import annotations

import contextlib
import functools
import operator
import platform
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf


@functools.cache
def on_metal() -> bool:
    """Returns whether TensorFlow runs on an Apple GPU, which has no XLA, no float64, and its own set of kernels."""
    return platform.system() == "Darwin" and bool(tf.config.list_physical_devices("GPU"))


def host() -> AbstractContextManager[Any]:
    """Returns the device for scalar arithmetic: the CPU on machines with an Apple GPU, else the current device."""
    return tf.device("CPU:0") if on_metal() else contextlib.nullcontext()


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
        """Returns the cached result for `key`, computed on the first call."""
        if key not in self._known:
            with host():
                self._known[key] = compute()
        return self._known[key]

    def _combine(self, function: Callable[[Any, Any], Any], other: Any, swapped: bool) -> Any:
        if not isinstance(other, (Scalar, int, float)):
            other = tf.convert_to_tensor(other)
            mine = self.cast(other.dtype)
            return function(other, mine) if swapped else function(mine, other)

        def compute() -> Scalar:
            mine, value = _alike(
                self.value, other.value if isinstance(other, Scalar) else tf.constant(other, tf.float64)
            )
            return Scalar(function(value, mine) if swapped else function(mine, value))

        return self.once((function, other, swapped), compute)

    def __add__(self, other: Any) -> Any:
        return self._combine(operator.add, other, swapped=False)

    def __radd__(self, other: Any) -> Any:
        return self._combine(operator.add, other, swapped=True)

    def __sub__(self, other: Any) -> Any:
        return self._combine(operator.sub, other, swapped=False)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(operator.sub, other, swapped=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(operator.mul, other, swapped=False)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(operator.mul, other, swapped=True)

    def __truediv__(self, other: Any) -> Any:
        return self._combine(operator.truediv, other, swapped=False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._combine(operator.truediv, other, swapped=True)

    def __pow__(self, other: Any) -> Any:
        return self._combine(operator.pow, other, swapped=False)

    def __rpow__(self, other: Any) -> Any:
        return self._combine(operator.pow, other, swapped=True)

    def __neg__(self) -> Scalar:
        return self.map(operator.neg)


def _alike(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns two numbers in one precision, the lower."""
    if x.dtype == y.dtype:
        return x, y
    return tf.cast(x, tf.float32), tf.cast(y, tf.float32)


def choose(condition: tf.Tensor, x: Scalar, y: Scalar) -> Scalar:
    """Returns the first number where a condition is true, else the second."""
    return Scalar(tf.where(condition, *_alike(x.value, y.value)))


def _dispatch(x: Any, for_numpy: Callable[[Any], Any], for_tensors: Callable[[Any], Any]) -> Any:
    if isinstance(x, Scalar):
        return x.map(for_tensors)
    return for_tensors(x) if tf.is_tensor(x) else for_numpy(x)


def sqrt(x: Any) -> Any:
    """Square root, element by element."""
    return _dispatch(x, np.sqrt, tf.sqrt)


def square(x: Any) -> Any:
    """`x * x`, element by element: much cheaper in TensorFlow than `x ** 2`."""
    return _dispatch(x, np.square, tf.square)


def absolute(x: Any) -> Any:
    """Absolute value, element by element."""
    return _dispatch(x, np.abs, tf.abs)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two arrays of one kind, element by element."""
    return tf.maximum(x, y) if tf.is_tensor(x) or tf.is_tensor(y) else np.maximum(x, y)


def mean(x: Any, axis: int | None = None) -> Any:
    """Mean of all elements of an array, or along one axis."""
    return tf.reduce_mean(x, axis) if tf.is_tensor(x) else np.mean(x, axis)


def norm(x: Any) -> Any:
    """2-norm of all elements of an array taken together: a 0-d tensor, or a number."""
    return sqrt(tf.reduce_sum(square(x)) if tf.is_tensor(x) else np.sum(square(x)))


def ratio(x: Any, y: Any) -> Any:
    """`x / y`, element by element, and 0 where `y` is 0: without an epsilon, elements without gradient do not move."""
    if tf.is_tensor(x) or tf.is_tensor(y):
        return tf.math.divide_no_nan(x, y)
    return np.where(np.equal(y, 0), 0.0, x / np.where(np.equal(y, 0), 1.0, y))[()]


def debias(beta: Any, t: Any) -> Any:
    """`1 - beta**t`, the weight that a moving average started at zero has collected after `t` steps.

    Computed as `-expm1(t log beta)`: the plain form cancels when `beta**t` is close to 1. In TensorFlow as `2a / (1 +
    a)` with `a = tanh(-t log(beta) / 2)`, the same and no less exact: TFLite has no expm1. Right for `beta = 0` too.

    Args:
        beta: decay rate in [0, 1).
        t: step, counted from 1.
    """
    if isinstance(beta, Scalar) or isinstance(t, Scalar):
        beta, t = (x if isinstance(x, Scalar) else Scalar(x) for x in (beta, t))
        return t.once((debias, beta), lambda: _debias(beta, t))
    return -np.expm1(t * _log(beta))


def _debias(beta: Scalar, t: Scalar) -> Scalar:
    a = (t * (-0.5 * beta.map(_log_of_tensor))).map(tf.math.tanh)
    return choose(tf.equal(t.value, 1), 1 - beta, 2 * a / (1 + a))


# The logarithm of 0 is minus infinity, which debuggers report. The logarithm of the smallest number serves as well:
# its powers are negligible against 1.
_SMALLEST = float(np.finfo(np.float64).tiny)


def _log(x: Any) -> Any:
    return np.log(np.maximum(x, _SMALLEST))


def _log_of_tensor(x: tf.Tensor) -> tf.Tensor:
    return tf.math.log(tf.maximum(x, tf.constant(_SMALLEST, x.dtype)))
