"""Executors: ways to run a rule on a variable, all equal to `dense`.

A rule is pure: hyperparameters, gradient, weights and slots in, new weights and slots out. An executor reads the
variables, runs the rule and assigns what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.ops import Scalar
from tfoptim.state import compute_dtype
from tfoptim.update.context import Slots, Update
from tfoptim.update.kernels.tensorflow import Kernel


def dense(u: Update) -> None:
    """Runs the rule on the whole variable."""
    slots = {name: tf.convert_to_tensor(slot) for name, slot in u.slots.items()}
    weights, state = _step(u, u.gradient, u.variable, slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, getattr(state, name))
    u.optimizer.assign(u.variable, weights)


def rows(u: Update) -> None:
    """Runs the rule on the rows that the gradient touches; other rows cost nothing."""
    index = u.gradient.indices
    slots = {name: tf.gather(slot, index) for name, slot in u.slots.items()}
    weights, state = _step(u, u.gradient.values, tf.gather(u.variable, index), slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, tf.IndexedSlices(getattr(state, name), index))
    u.optimizer.assign(u.variable, tf.IndexedSlices(weights, index))


def fused(u: Update, kernel: Kernel) -> None:
    """Runs TensorFlow's kernel, after decay, which no kernel has."""
    vars(u.optimizer)["_fused"] = True  # from now on, numbers that kernels would round away are refused
    if u.decay is not None:
        u.optimizer.assign_sub(u.variable, u.variable * u.decay)
    kernel(u)


def compiled(u: Update) -> None:
    """Runs `dense` as one operation compiled by XLA for this shape: one pass over memory, in place."""
    known = {name: value for name, value in vars(u.h).items() if value is not None}
    numbers = u.h.t.once(tuple(known), lambda: tf.stack([value.value for value in known.values()]))
    functions = u.optimizer.__dict__.setdefault("_compiled", {})
    key = (*known, tuple(u.variable.shape), u.variable.dtype, u.decay is None)
    if key not in functions:
        functions[key] = _compile(u, tuple(known))
    functions[key](numbers, u.gradient, u.variable, dict(u.slots))


def _compile(u: Update, names: tuple[str, ...]) -> Callable[..., None]:
    optimizer, absent = u.optimizer, vars(u.h).keys() - set(names)
    decays = u.decay is not None

    def step(numbers: Any, gradient: Any, variable: Any, slots: Any) -> None:
        h = SimpleNamespace(**dict.fromkeys(absent))
        vars(h).update(zip(names, map(Scalar, tf.unstack(numbers, len(names))), strict=True))
        dense(Update(optimizer, h, gradient, variable, slots, h.learning_rate * h.weight_decay if decays else None))

    return tf.function(step, jit_compile=True, autograph=False)  # type: ignore[no-any-return]


def _step(u: Update, gradient: Any, weights: Any, slots: Mapping[str, Any]) -> tuple[Any, Slots]:
    weights, state = tf.cast(weights, compute_dtype(u.variable.dtype)), Slots(slots)
    if u.decay is not None:
        weights = weights - weights * u.decay
    return u.optimizer.step(u.h, gradient, weights, state), state
