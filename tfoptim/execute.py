"""The ways to run a rule, and the one place that chooses among them.

A rule is pure: hyperparameters, gradient, weights and slots in, new weights and slots out. An executor reads the
variables, runs the rule and assigns what came out. Every executor gives what `dense` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim import kernels
from tfoptim.ops import Scalar, on_metal
from tfoptim.state import compute_dtype, groups, start_value


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

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))


def update(
    optimizer: Any,
    h: SimpleNamespace,
    gradient: Any,
    variable: Any,
    slots: Mapping[str, Any],
    decay: Any,
) -> None:
    """Updates one variable and its slots in place, by the executor that fits.

    Args:
        optimizer: whose rule runs.
        h: hyperparameters of this step.
        gradient: tensor, or IndexedSlices without repeated rows, in the variable's compute dtype.
        variable: tf.Variable.
        slots: name -> tf.Variable.
        decay: None, or the Scalar share of the weights that this step takes off first.
    """
    if isinstance(gradient, tf.IndexedSlices):
        if optimizer.lazy or (optimizer.skips_zero_gradients and decay is None):
            return rows(optimizer, h, gradient, variable, slots, decay)
        gradient = tf.convert_to_tensor(gradient)
    kernel = kernels.find(optimizer, variable, slots, metal=on_metal())
    if kernel is not None:
        return fused(kernel, optimizer, h, gradient, variable, slots, decay)
    return dense(optimizer, h, gradient, variable, slots, decay)


def fused(
    kernel: kernels.Kernel,
    optimizer: Any,
    h: SimpleNamespace,
    gradient: Any,
    variable: Any,
    slots: Mapping[str, Any],
    decay: Any,
) -> None:
    """Runs TensorFlow's own kernel; decay comes first, because no kernel has it."""
    if decay is not None:
        optimizer.assign_sub(variable, variable * decay)
    kernel(optimizer, h, gradient, variable, slots)


def dense(
    optimizer: Any,
    h: SimpleNamespace,
    gradient: Any,
    variable: Any,
    slots: Mapping[str, Any],
    decay: Any,
) -> None:
    """Runs the rule on the whole variable."""
    dtype = compute_dtype(variable.dtype)
    weights, state = _step(
        optimizer,
        h,
        gradient,
        tf.cast(variable, dtype),
        {name: tf.convert_to_tensor(slot) for name, slot in slots.items()},
        decay,
    )
    for name, slot in slots.items():
        optimizer.assign(slot, getattr(state, name))
    optimizer.assign(variable, weights)


def rows(
    optimizer: Any,
    h: SimpleNamespace,
    gradient: Any,
    variable: Any,
    slots: Mapping[str, Any],
    decay: Any,
) -> None:
    """Runs the rule on the rows that the gradient touches; the cost does not depend on how many others there are."""
    index, dtype = gradient.indices, compute_dtype(variable.dtype)
    weights, state = _step(
        optimizer,
        h,
        gradient.values,
        tf.cast(tf.gather(variable, index), dtype),
        {name: tf.gather(slot, index) for name, slot in slots.items()},
        decay,
    )
    for name, slot in slots.items():
        optimizer.assign(slot, tf.IndexedSlices(getattr(state, name), index))
    optimizer.assign(variable, tf.IndexedSlices(weights, index))


def _step(
    optimizer: Any,
    h: SimpleNamespace,
    gradient: Any,
    weights: Any,
    slots: Mapping[str, Any],
    decay: Any,
) -> tuple[Any, Slots]:
    state = Slots(slots)
    if decay is not None:
        weights = weights - weights * decay
    return optimizer.step(h, gradient, weights, state), state


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
