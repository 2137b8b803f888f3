"""Sums over all variables of what a rule measures of each, and the shared state that moves by them.

All of it runs on each device, on gradients that are the same there, so that every device moves its copy of the shared
state alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.groups import DEFAULT, Group
from tfoptim.scalar import Scalar, branch, host
from tfoptim.update.context import Slots
from tfoptim.variables import compute_dtype, raw


@dataclass(frozen=True)
class Turn:
    """One variable's turn in a step, on one device.

    Args:
        optimizer: whose rule moves the variable.
        gradient: after clipping; empty where there is none.
        variable: keras.Variable or tf.Variable.
        slots: name -> tf.Variable.
        group: of the variable.
        present: whether there is a gradient, known only when the step runs; None: there is.
    """

    optimizer: Any
    gradient: Any
    variable: Any
    slots: Mapping[str, Any]
    group: Group
    present: tf.Tensor | None

    def if_present(self, work: Callable[[Any], list[Any]], dtype: Any = None) -> list[Any]:
        """Returns `work(gradient)`, a list of numbers of a dtype, or as many zeros if there is no gradient."""
        g, many = self.gradient, list[Any]()
        if self.present is None:
            return work(g)

        def with_gradient() -> list[Any]:
            whole = g if isinstance(g, tf.IndexedSlices) else tf.ensure_shape(g, self.variable.shape)
            with branch():
                numbers = work(whole)
            many[:] = numbers
            return [*numbers, tf.constant(0)]  # a branch must return something

        # TensorFlow traces the first branch first.
        found = tf.cond(self.present, with_gradient, lambda: [*(tf.zeros([], dtype) for _ in many), tf.constant(0)])
        return list(found[:-1])


def after_measuring(optimizer: Any, sets: Mapping[Group, Any], turns: Sequence[Turn]) -> Mapping[Group, Any]:
    """Measures an optimizer's variables, moves this device's shared state, and returns its hyperparameters."""
    turns = [turn for turn in turns if turn.optimizer is optimizer]
    if not optimizer.measures or not turns:
        return sets
    variables = {name: raw(v) for name, v in optimizer._runtime.shared.items()}
    present = {name: tf.convert_to_tensor(v) for name, v in variables.items()}
    with host():
        shared = {name: Scalar(tf.cast(value, sets[DEFAULT].t.value.dtype)) for name, value in present.items()}
    own = {group: SimpleNamespace(**vars(h) | shared) for group, h in sets.items()}
    sums = _sums(own, turns)
    for h in own.values():
        vars(h).update(sums)
    for name, value in moved(optimizer, own, present).items():
        optimizer.assign(variables[name], value.cast(variables[name].dtype))
    return own


def _sums(sets: Mapping[Group, Any], turns: Sequence[Turn]) -> dict[str, Scalar]:
    """Returns the sum of each number that the rule measures; of each variable in its precision, then in float64."""
    dtype, found = sets[DEFAULT].t.value.dtype, dict[str, list[Any]]()
    for turn in turns:
        for name, number in _measured(sets[turn.group], turn).items():
            found.setdefault(name, []).append(number)
    with host():
        return {name: Scalar(tf.add_n([tf.cast(x, dtype) for x in numbers])) for name, numbers in found.items()}


def _measured(h: Any, turn: Turn) -> dict[str, Any]:
    """Returns the numbers that the rule measures of one variable, 0 where there is no gradient."""
    dtype, names = compute_dtype(turn.variable.dtype), list[str]()

    def work(g: Any) -> list[Any]:
        w = tf.cast(raw(turn.variable), dtype)
        s = Slots({name: tf.convert_to_tensor(slot) for name, slot in turn.slots.items()})
        numbers = turn.optimizer.measure(h, tf.convert_to_tensor(g), w, s)
        names[:] = numbers
        return [x.cast(dtype) if isinstance(x, Scalar) else tf.cast(x, dtype) for x in numbers.values()]

    return dict(zip(names, turn.if_present(work, dtype), strict=True))


def moved(optimizer: Any, sets: Mapping[Group, Any], present: Mapping[str, Any]) -> dict[str, Scalar]:
    """Runs `once` for all groups, and returns the shared state after the step."""
    with host():
        shared = {name: Scalar(tf.cast(value, sets[DEFAULT].t.value.dtype)) for name, value in present.items()}
        states = {group: Slots(shared) for group in sets}
        for group, h in sets.items():
            optimizer.once(h, states[group])
    return vars(states[DEFAULT])
