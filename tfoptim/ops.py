"""Arithmetic for rules, on TensorFlow tensors, NumPy arrays and plain numbers.

Rules import from here and never from TensorFlow, so that the same lines run in a training step, on the touched rows of
an embedding, and in float64 NumPy (`tfoptim.simulate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.scalar import Scalar, as_scalar, branch, choose, host

LARGE = 2**16
"""Elements from which XLA compiles the step of a variable: fewer passes over memory soon repay some 50 ms a shape."""


def equal(x: Any, y: Any) -> Any:
    """Whether two numbers are equal: a condition for `where`, also for Scalars, whose `==` compares objects."""
    if isinstance(x, Scalar):
        return x.compare(tf.equal, y)
    return y.compare(tf.equal, x) if isinstance(y, Scalar) else x == y


def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where a condition is true, else `y`, element by element; both are computed, so guard roots and divisions."""
    if not any(tf.is_tensor(value) or isinstance(value, Scalar) for value in (condition, x, y)):
        return np.where(condition, x, y)[()]
    tensor = next((value for value in (x, y) if tf.is_tensor(value)), None)
    if tensor is not None:
        return tf.where(condition, _as_tensor(x, tensor.dtype), _as_tensor(y, tensor.dtype))
    key = condition.ref() if tf.is_tensor(condition) else condition
    keeper = as_scalar(x if isinstance(x, Scalar) else y)
    return keeper.once((where, key, x, y), lambda: choose(condition, as_scalar(x), as_scalar(y)))


def _as_tensor(x: Any, dtype: tf.DType) -> tf.Tensor:
    return x.cast(dtype) if isinstance(x, Scalar) else tf.convert_to_tensor(x, dtype)


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


def sign(x: Any) -> Any:
    """-1, 0 or 1, element by element."""
    return _dispatch(x, np.sign, tf.sign)


def exp(x: Any) -> Any:
    """Exponential, element by element."""
    return _dispatch(x, np.exp, tf.exp)


def log(x: Any) -> Any:
    """Natural logarithm, element by element; that of 0 is finite, -708 in float64."""
    return _dispatch(x, _log, _log_of_tensor)


def cbrt(x: Any) -> Any:
    """Cube root, element by element, of negative numbers too."""
    return _dispatch(x, np.cbrt, _cbrt_of_tensor)


def power(x: Any, y: Any) -> Any:
    """`x ** y`, element by element; `x` must not be negative."""
    return x**y


def maximum(x: Any, y: Any) -> Any:
    """The larger of two numbers or arrays, element by element."""
    return _of_two(x, y, np.maximum, tf.maximum)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two numbers or arrays, element by element."""
    return _of_two(x, y, np.minimum, tf.minimum)


def clip(x: Any, low: Any, high: Any) -> Any:
    """`x` limited to an interval, element by element."""
    return minimum(maximum(x, low), high)


def _of_two(x: Any, y: Any, for_numpy: Callable[[Any, Any], Any], for_tensors: Callable[[Any, Any], Any]) -> Any:
    """Applies a function of two arguments, each an array, a tensor, a Scalar or a plain number."""
    if isinstance(x, Scalar):
        return x.combine(for_tensors, y)
    if isinstance(y, Scalar):
        return y.combine(for_tensors, x, swapped=True)
    if tf.is_tensor(y):
        x = _as_tensor(x, y.dtype)  # TensorFlow takes a number on the left for a float32
    return (for_tensors if tf.is_tensor(x) else for_numpy)(x, y)


def every(t: Any, k: int, compute: Callable[[], Any], keep: Callable[[], Any]) -> Any:
    """`compute()` where `t` is a multiple of `k`, else `keep()`: for costly work that every k-th step does.

    Only one of the two runs. Both must return the same: one array, or a tuple of arrays of the same shapes. Neither
    may assign to slots: assign what `every` returns.

    Args:
        t: count of steps, such as `h.t` or `h.t - 1`.
        k: integer >= 1.
        compute: function without arguments.
        keep: function without arguments.

    >>> [every(t, 3, lambda: "new", lambda: "old") for t in (1.0, 2.0, 3.0)]
    ['old', 'old', 'new']
    """
    return when(due(t, k), compute, keep)


def due(t: Any, k: int, start: int | None = None) -> Any:
    """Whether `t` is a multiple of `k`, a condition for `when` and `where`; or `start`, before which none counts."""
    if not isinstance(t, Scalar):
        return t == start or ((start is None or t > start) and t % k == 0)
    with host():
        multiple = tf.equal(tf.math.floormod(t.value, tf.constant(k, t.value.dtype)), 0)
        return multiple if start is None else tf.where(t.value > start, multiple, tf.equal(t.value, start))


def when(condition: Any, compute: Callable[[], Any], keep: Callable[[], Any]) -> Any:
    """`compute()` where a condition holds, else `keep()`, of which only one runs; as in `every`."""
    if not tf.is_tensor(condition):
        return compute() if condition else keep()
    return tf.cond(condition, lambda: _in_branch(compute), lambda: _in_branch(keep))


def _in_branch(function: Callable[[], Any]) -> Any:
    with branch():
        return function()


def mean(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Mean of all elements of an array, or along one axis, which is kept with length 1 if asked."""
    return tf.reduce_mean(x, axis, keepdims) if tf.is_tensor(x) else np.mean(x, axis, keepdims=keepdims)


def rms(x: Any) -> Any:
    """Root mean square of all elements of an array: their size, whatever their number."""
    return sqrt(mean(square(x)))


def norm(x: Any) -> Any:
    """2-norm of all elements of an array taken together: a 0-d tensor, or a number."""
    return sqrt(_sum_of_positive(square(x)) if tf.is_tensor(x) else np.sum(square(x)))


def _sum_of_positive(x: Any) -> Any:
    """Sum of a tensor without negative elements, by columns first: XLA on CPUs vectorizes only sums of columns."""
    size = x.shape.num_elements() or 0
    columns = math.gcd(size, 256)
    if size < LARGE or columns < 8:
        return tf.reduce_sum(x)
    # Without `abs`, which changes nothing here, XLA makes one sum of the two again.
    return tf.reduce_sum(tf.abs(tf.reduce_sum(tf.reshape(x, (-1, columns)), axis=0)))


def ratio(x: Any, y: Any) -> Any:
    """`x / y`, element by element, and 0 where `y` is 0: without an epsilon, elements without gradient do not move."""
    return _of_two(x, y, _ratio_of_arrays, tf.math.divide_no_nan)


def _ratio_of_arrays(x: Any, y: Any) -> Any:
    return np.where(np.equal(y, 0), 0.0, x / np.where(np.equal(y, 0), 1.0, y))[()]


def agreeing(d: Any, g: Any) -> Any:
    """`d` where its sign is that of `g`, divided by the share of such elements, and 0 elsewhere."""
    agrees = maximum(sign(d) * sign(g), 0.0)
    return d * agrees / maximum(mean(agrees), 1e-3)


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
    kind: Any = x.dtype.as_numpy_dtype
    return tf.math.log(tf.maximum(x, tf.constant(np.finfo(kind).tiny, x.dtype)))


def _cbrt_of_tensor(x: tf.Tensor) -> tf.Tensor:
    return tf.sign(x) * tf.pow(tf.abs(x), tf.constant(1 / 3, x.dtype))
