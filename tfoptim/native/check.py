"""Check of a library that was just built: `python -m tfoptim.native.check LIBRARY`.

It runs in a process of its own, so that a library that crashes takes nothing else with it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import tensorflow as tf


def check(library: Any) -> None:
    """Raises unless a step of momentum moves weights and slot as it must, with XLA too where TensorFlow has it."""
    step = _step(library)
    compiled = [] if sys.platform == "darwin" else [tf.function(step, jit_compile=True)]  # no XLA for CPUs there
    for run in (step, tf.function(step), *compiled):
        with tf.device("CPU:0"):
            weights, slot = tf.Variable(tf.ones([100])), tf.Variable(tf.zeros([100]))
            run(weights, slot)
        np.testing.assert_array_equal(slot.numpy(), np.full(100, -0.25, np.float32))
        np.testing.assert_array_equal(weights.numpy(), np.full(100, 0.75, np.float32))


def _step(library: Any) -> Any:
    def step(weights: Any, slot: Any) -> None:
        library.tfoptim_step(
            weights=[weights.handle],
            slots=[slot.handle],
            averages=[],
            gradients=[tf.fill([100], 0.5)],
            numbers=tf.constant([[0.0, 0.0, 0.5, 0.9]], tf.float64),
            factors=tf.zeros([0], tf.float64),
            rule="momentum",
            W=tf.float32,
            groups=[0],
        )

    return step


if __name__ == "__main__":
    check(tf.load_op_library(sys.argv[1]))
