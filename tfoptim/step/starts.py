"""Slots that start from the weights, such as the slow weights of Lookahead: they start where training does.

They are made at `build`, and weights often come after it: from a file, from another model, or with `load_model`, which
builds a compiled model's optimizer first. So the first update takes these slots from the present weights again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.declaration.slots import Slot, from_weights, slot_groups, start_value
from tfoptim.scalar import host
from tfoptim.state import slots
from tfoptim.variables import local, raw

SOME = 3
"""Variables whose other slots are asked whether there have been updates."""


def start(strategy: Any, optimizer: Any, step: tf.Tensor) -> None:
    """Starts the slots of an optimizer and its parts that start from the weights, unless there have been updates.

    Args:
        strategy: of the step; called once for all of its replicas.
        optimizer: whose step it is.
        step: completed updates.
    """
    with host():
        first = tf.equal(step, 0)
    for part in optimizer._parts():
        declared = {name: slot for name, slot in from_weights(part).items() if not slot.by_shape}
        pairs = [(v, slots(part, v)) for v in part._trainable_variables] if declared else []
        if pairs := [(v, own) for v, own in pairs if own.keys() & declared.keys()]:
            is_new = tf.cond(
                first,
                lambda part=part, pairs=pairs: _is_new(strategy, part, pairs),
                lambda: tf.constant(False),
            )
            tf.cond(
                is_new,
                lambda part=part, pairs=pairs, declared=declared: _from_present(strategy, part, pairs, declared),
                lambda: tf.constant(0),
            )


def _is_new(strategy: Any, part: Any, pairs: Sequence[Any]) -> tf.Tensor:
    """Returns whether other state says of no updates: with some, the counter was set back to 0, and slots stay."""
    every = [pair for group in slot_groups(part) for pair in group.items()]
    others = [(name, slot) for name, slot in every if not callable(slot.start)]
    moved = [_distance(strategy, v, part.shared[name]) for name, v in part._runtime.shared.items()]
    for v, own in pairs[:SOME]:
        moved += [_distance(strategy, own[name], start_value(part, slot, v)) for name, slot in others if name in own]
    return tf.add_n(moved) <= 0 if moved else tf.constant(True)


def _from_present(strategy: Any, part: Any, pairs: Sequence[Any], declared: Mapping[str, Slot]) -> tf.Tensor:
    """Assigns these slots of all variables, not only those of a call: the others' weights came after `build`, too."""

    def assign(_: Any) -> None:
        for v, own in pairs:
            for name in own.keys() & declared.keys():
                value = tf.cast(_value(part, declared[name], tf.cast(v, own[name].dtype)), own[name].dtype)
                fits = value.shape == own[name].shape
                own[name].assign(value if fits else tf.broadcast_to(value, own[name].shape), read_value=False)

    strategy.extended.update(raw(pairs[0][0]), assign, group=False)
    return tf.constant(0)


def _distance(strategy: Any, state: Any, start: Any) -> tf.Tensor:
    """Returns how far state is from its start, in operations that every device has."""
    x = tf.convert_to_tensor(local(strategy, raw(state)))
    return tf.cast(tf.reduce_sum(tf.abs(x - tf.cast(start, x.dtype))), tf.float32)  # 0 of a variable without elements


def _value(part: Any, slot: Slot, weights: tf.Tensor) -> Any:
    """Returns the start of a slot, also by a function that is written in NumPy, which takes no tensors of a trace."""
    try:
        return start_value(part, slot, weights)
    except NotImplementedError:
        return tf.numpy_function(lambda w: np.asarray(start_value(part, slot, w), w.dtype), [weights], weights.dtype)
