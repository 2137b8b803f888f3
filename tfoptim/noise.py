"""Random numbers that depend on a seed and the number of the step alone.

So a step draws the same numbers eagerly and in a graph, on each device, and after training has been resumed; and all
variables of a shape draw the same. XLA makes other numbers of the same random bits than TensorFlow's operations do, so
that numbers are made of bits here, as TensorFlow makes them. Metal has neither XLA nor what that takes, whole
random bits and float64: there they are TensorFlow's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.scalar import Scalar, host, on_metal

PHILOX = 1  # the generator, by its number in `tf.random.Algorithm`: the same on every device


def uniform(seed: int, t: Any) -> Any:
    """A number of [0, 1), the same for all variables: a Scalar, or a plain number if `t` is one."""
    if not isinstance(t, Scalar):
        with tf.init_scope():
            return float(_uniform([], seed, t))
    return t.once((uniform, seed), lambda: Scalar(_uniform([], seed, t.value)))


def normals(x: Any, seed: int, t: Any) -> Any:
    """Standard normal numbers of the shape and dtype of `x`; drawn in float32, so that they do not depend on it.

    Args:
        x: array or tensor, of a known shape.
        seed: integer >= 0.
        t: number of the step, such as `h.t`.
    """
    if not tf.is_tensor(x):
        with tf.init_scope():
            return np.asarray(_normal(x.shape, seed, t), np.float64)
    return tf.cast(_normal(x.shape, seed, t.value), x.dtype)


def _normal(shape: Any, seed: int, t: Any) -> tf.Tensor:
    """Returns normal numbers in pairs, each from two uniform ones (Box and Muller, 1958)."""
    if on_metal():
        return _drawn(tf.raw_ops.StatelessRandomNormalV2, shape, seed, t, tf.float32)
    count = math.prod(shape)
    first, second = tf.unstack(_uniform([-(-count // 2), 2], seed, t), axis=1)
    radius = tf.sqrt(-2 * _rounded(tf.math.log, tf.maximum(first, 1e-7)))
    angle = _rounded(lambda x: 2 * math.pi * x, second)
    pairs = tf.stack([radius * _rounded(tf.sin, angle), radius * _rounded(tf.cos, angle)], axis=1)
    return tf.reshape(tf.reshape(pairs, [-1])[:count], shape)


def _rounded(function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Returns a function of float32 numbers, computed in float64: rounded from there, it is the same everywhere."""
    return tf.cast(function(tf.cast(x, tf.float64)), tf.float32)


def _uniform(shape: Any, seed: int, t: Any) -> tf.Tensor:
    """Returns numbers of [0, 1): the lowest 23 bits, as many as float32 has digits."""
    if on_metal():
        return _drawn(tf.raw_ops.StatelessRandomUniformV2, shape, seed, t, tf.float32)
    bits = _drawn(tf.raw_ops.StatelessRandomUniformFullIntV2, shape, seed, t, tf.uint32)
    return tf.cast(tf.bitwise.bitwise_and(bits, tf.constant(2**23 - 1, tf.uint32)), tf.float32) * 2**-23


def _drawn(operation: Any, shape: Any, seed: int, t: Any, dtype: tf.DType) -> tf.Tensor:
    with host():
        key = tf.raw_ops.StatelessRandomGetKeyCounter(
            seed=tf.stack([tf.constant(seed, tf.int64), tf.cast(t, tf.int64)])
        )
    return operation(shape=list(shape), key=key.key, counter=key.counter, alg=PHILOX, dtype=dtype)
