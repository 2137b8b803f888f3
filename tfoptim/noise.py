"""Random numbers that depend on a seed and the number of the step alone.

So a step draws the same numbers eagerly and in a graph, on each device, and after training has been resumed; and all
variables of a shape draw the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.scalar import Scalar, host

PHILOX = 1  # the generator, by its number in `tf.random.Algorithm`: the same on every device


def uniform(seed: int, t: Any) -> Any:
    """A number of [0, 1), the same for all variables: a Scalar, or a plain number if `t` is one."""
    if not isinstance(t, Scalar):
        with tf.init_scope():
            return float(_draw(tf.raw_ops.StatelessRandomUniformV2, [], seed, t))
    return t.once((uniform, seed), lambda: Scalar(_draw(tf.raw_ops.StatelessRandomUniformV2, [], seed, t.value)))


def normals(x: Any, seed: int, t: Any) -> Any:
    """Standard normal numbers of the shape and dtype of `x`; drawn in float32, so that they do not depend on it.

    Args:
        x: array or tensor, of a known shape.
        seed: integer >= 0.
        t: number of the step, such as `h.t`.
    """
    if not tf.is_tensor(x):
        with tf.init_scope():
            return np.asarray(_draw(tf.raw_ops.StatelessRandomNormalV2, x.shape, seed, t), np.float64)
    return tf.cast(_draw(tf.raw_ops.StatelessRandomNormalV2, x.shape, seed, t.value), x.dtype)


def _draw(operation: Any, shape: Any, seed: int, t: Any) -> tf.Tensor:
    with host():
        key = tf.raw_ops.StatelessRandomGetKeyCounter(
            seed=tf.stack([tf.constant(seed, tf.int64), tf.cast(t, tf.int64)])
        )
    return operation(shape=list(shape), key=key.key, counter=key.counter, alg=PHILOX, dtype=tf.float32)
