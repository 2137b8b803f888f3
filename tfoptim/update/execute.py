"""Choice of an executor from facts: rule, size, dense or sparse, machine."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import Any

import tensorflow as tf

from tfoptim.declaration.overrides import redefines
from tfoptim.ops import Scalar, on_metal
from tfoptim.update.context import Update
from tfoptim.update.executors import compiled, dense, fused, rows
from tfoptim.update.kernels import tensorflow

LARGE = 2**16
"""Elements from which the passes over memory that XLA saves soon repay its compiling, some 50 ms for each shape."""


def update(u: Update) -> None:
    """Updates one variable and its slots in place, by the chosen executor."""
    for variable in (u.variable, *u.slots.values()):
        watch(variable)
    if isinstance(u.gradient, tf.IndexedSlices):
        if u.optimizer.lazy or (u.optimizer.skips_zero_gradients and u.decay is None and not u.portable):
            return rows(u)
        u = replace(u, gradient=tf.convert_to_tensor(u.gradient))
    # A user's `assign` may be impossible in XLA.
    compiles = u.size >= LARGE and can_compile(u) and not redefines(u.optimizer, "assign")
    kernel = tensorflow.find(u, metal=on_metal(), single_pass=compiles)
    if kernel is not None:
        return fused(u, kernel)
    return compiled(u) if compiles and not u.portable else dense(u)


def watch(variable: Any) -> None:
    """Marks a variable as used in the graph: `keras.export` saves only those, and kernels use handles."""
    note = getattr(tf.compat.v1.get_default_graph(), "watch_variable", None)
    if note is not None and not isinstance(variable, tf.distribute.DistributedValues):
        note(variable)


def can_compile(u: Update) -> bool:
    """Returns whether XLA can compile the rule: on one device with a compiler."""
    numbers_only = all(value is None or isinstance(value, Scalar) for value in vars(u.h).values())
    one_copy = not isinstance(u.variable, tf.distribute.DistributedValues)
    return platform.system() != "Darwin" and numbers_only and one_copy and not watched_by_a_debugger()


def watched_by_a_debugger() -> bool:
    """Returns whether a debugger such as `tf.debugging.enable_check_numerics` adds operations that XLA lacks."""
    with tf.Graph().as_default() as graph:
        tf.sqrt(tf.constant(1.0))
    return len(graph.get_operations()) > 2
