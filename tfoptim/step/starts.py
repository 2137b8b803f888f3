"""Slots that start from the weights, such as the slow weights of Lookahead: they start where training does.

They are made at `build`, and weights often come after it: from a file, from another model, or with `load_model`, which
builds a compiled model's optimizer first. So the first update takes these slots from the present weights again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.declaration.slots import Slot, from_weights, slot_groups, start_value
from tfoptim.scalar import host
from tfoptim.state import slots
from tfoptim.variables import compute_dtype, local, raw


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
        if declared := {name: slot for name, slot in from_weights(part).items() if not slot.by_shape}:
            tf.cond(
                first,
                lambda part=part, declared=declared: _from_present(strategy, part, declared),
                lambda: tf.constant(0),
            )


def _from_present(strategy: Any, part: Any, declared: Mapping[str, Slot]) -> tf.Tensor:
    """Assigns these slots of all variables, not only those of a call: the others' weights came after `build`, too.

    Where other state says that there have been updates, the counter was set back to 0, and they stay.
    """
    every = {name: slot for group in slot_groups(part) for name, slot in group.items()}
    shared = {name: local(strategy, raw(v)) for name, v in part._runtime.shared.items()}
    common = [_distance(tf.convert_to_tensor(v), part.shared[name]) for name, v in shared.items()]

    def assign(_: Any, v: Any) -> None:
        weights, own = tf.convert_to_tensor(raw(v)), slots(part, v)
        others = [(tf.convert_to_tensor(own[name]), every[name]) for name in sorted(own.keys() - declared.keys())]
        moved = [*common, *(_distance(x, start_value(part, slot, x)) for x, slot in others)]
        for name in own.keys() & declared.keys():
            value = _value(part, declared[name], tf.cast(weights, compute_dtype(weights.dtype)))
            value = tf.broadcast_to(tf.cast(value, own[name].dtype), own[name].shape)
            part.assign(own[name], tf.where(tf.add_n(moved) <= 0, value, own[name]) if moved else value)

    for v in part._trainable_variables:
        if slots(part, v).keys() & declared.keys():
            strategy.extended.update(raw(v), assign, kwargs={"v": v}, group=False)
    return tf.constant(0)


def _distance(x: tf.Tensor, start: Any) -> tf.Tensor:
    """Returns how far state is from its start, in operations that every device has."""
    return tf.cast(tf.reduce_max(tf.abs(x - tf.cast(start, x.dtype))), tf.float32)


def _value(part: Any, slot: Slot, weights: tf.Tensor) -> Any:
    """Returns the start of a slot, also by a function that is written in NumPy, which takes no tensors of a trace."""
    try:
        return start_value(part, slot, weights)
    except NotImplementedError:
        return tf.numpy_function(lambda w: np.asarray(start_value(part, slot, w), w.dtype), [weights], weights.dtype)
