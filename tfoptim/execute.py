"""The ways to run a rule, and the one place that chooses among them.

A rule is pure: hyperparameters, gradient, weights and slots in, new weights and slots out. An executor reads the
variables, runs the rule and assigns what came out. Every executor gives what `dense` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim import kernels
from tfoptim.ops import Scalar, on_metal
from tfoptim.state import compute_dtype, groups, start_value
from tfoptim.update import Update


class Slots:
    """The state of one variable as the rule sees it: declared names only, to read and to replace."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            declared = ", ".join(vars(self)) or "none"
            raise AttributeError(f"{name!r} is not a declared slot. Declared: {declared}.")
        vars(self)[name] = value

    def __contains__(self, name: str) -> bool:
        return name in vars(self)


def update(u: Update) -> None:
    """Updates one variable and its slots in place, by the executor that fits."""
    if isinstance(u.gradient, tf.IndexedSlices):
        if u.optimizer.lazy or (u.optimizer.skips_zero_gradients and u.decay is None):
            return rows(u)
        u = replace(u, gradient=tf.convert_to_tensor(u.gradient))
    kernel = kernels.find(u, metal=on_metal())
    return dense(u) if kernel is None else fused(u, kernel)


def fused(u: Update, kernel: kernels.Kernel) -> None:
    """Runs TensorFlow's own kernel; decay comes first, because no kernel has it."""
    if u.decay is not None:
        u.optimizer.assign_sub(u.variable, u.variable * u.decay)
    kernel(u)


def dense(u: Update) -> None:
    """Runs the rule on the whole variable."""
    slots = {name: tf.convert_to_tensor(slot) for name, slot in u.slots.items()}
    weights, state = _step(u, u.gradient, u.variable, slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, getattr(state, name))
    u.optimizer.assign(u.variable, weights)


def rows(u: Update) -> None:
    """Runs the rule on the rows that the gradient touches; the cost does not depend on how many others there are."""
    index = u.gradient.indices
    slots = {name: tf.gather(slot, index) for name, slot in u.slots.items()}
    weights, state = _step(u, u.gradient.values, tf.gather(u.variable, index), slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, tf.IndexedSlices(getattr(state, name), index))
    u.optimizer.assign(u.variable, tf.IndexedSlices(weights, index))


def _step(u: Update, gradient: Any, weights: Any, slots: Mapping[str, Any]) -> tuple[Any, Slots]:
    weights, state = tf.cast(weights, compute_dtype(u.variable.dtype)), Slots(slots)
    if u.decay is not None:
        weights = weights - weights * u.decay
    return u.optimizer.step(u.h, gradient, weights, state), state


def simulate(optimizer: Any, weights: Any, gradients: Sequence[Any]) -> np.ndarray:
    """Runs an optimizer's rule and its weight decay in float64 NumPy, without the other stages of a step.

    Args:
        optimizer: any optimizer of tfoptim; it is not changed.
        weights: start, array-like of any shape.
        gradients: one array-like of the same shape per step.

    Returns:
        Array of shape `(steps, *shape)`: the weights after each step.

    >>> import tfoptim
    >>> simulate(tfoptim.Adam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99900003, 0.99936613, 0.99902289])
    """
    w = np.array(weights, np.float64)
    slots = {name: value for group in groups(optimizer) for name, value in group.items()}
    state = Slots({name: np.full_like(w, start_value(optimizer, value, w)) for name, value in slots.items()})
    shared = Slots(dict(optimizer.shared))
    numbers = {name: optimizer.given(name) for name in optimizer.numbers()}
    path = []
    for t, g in enumerate(gradients, start=1):
        h = SimpleNamespace(t=float(t), **{name: _at(value, t - 1) for name, value in numbers.items()})
        optimizer.once(h, shared)
        if h.weight_decay is not None:
            w = w - w * (h.learning_rate * h.weight_decay)
        w = optimizer.step(h, np.asarray(g, np.float64), w, state)
        path.append(w)
    return np.array(path)


def _at(value: Any, step: int) -> Any:
    return float(keras.ops.convert_to_numpy(value(step))) if callable(value) else value


def hyperparameters(optimizer: Any, step: Any, numbers: Any, rate: Any) -> SimpleNamespace:
    """Returns the hyperparameters of one step, each a Scalar, None where switched off; computed once for all variables.

    Args:
        optimizer: whose fields they are.
        step: int64 tensor, completed updates; schedules see it, the rule sees `t = step + 1`.
        numbers: float64 tensor with the current value of every number field.
        rate: the learning-rate variable's value, or None under a schedule.
    """
    h = SimpleNamespace(t=Scalar(tf.cast(step, tf.float64)) + 1, zero=Scalar(0.0))
    declared: dict[str, Any] = optimizer.numbers()
    for (name, value), number in zip(declared.items(), tf.unstack(numbers, len(declared)), strict=True):
        now: Any = value(step) if callable(value) else number
        setattr(h, name, None if value is None else Scalar(tf.cast(now, tf.float64)))
    if rate is not None:
        # The variable is float32, as in Keras, and others assign it. As long as it is the declared number rounded,
        # the declared number is meant.
        exact = h.learning_rate.value
        kept = tf.equal(tf.cast(exact, rate.dtype), rate)
        h.learning_rate = Scalar(tf.where(kept, exact, tf.cast(rate, tf.float64)))
    return h
