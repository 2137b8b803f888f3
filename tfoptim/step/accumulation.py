"""Gradient accumulation: what the calls of a cycle have collected, and which variables the step at its end moves.

Nothing but the sums is kept, so that a copy or a file in the middle of a cycle goes on as the original does.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfoptim.state import accumulators
from tfoptim.step.gradients import Present
from tfoptim.variables import is_float, local

_ABSENT: Any = False
"""In place of a flag: the variable has no gradient in this call."""


def add_accumulated(
    optimizer: Any, grads: list[Any], variables: list[Any], here: Present | None
) -> tuple[list[Any], list[Any], Present]:
    """Adds the gradients accumulated by earlier calls of the cycle in this replica.

    Variables without a gradient in this call keep what they have collected.

    Args:
        optimizer: whose step it is.
        grads: gradients of this call, in compute precision.
        variables: in the same order.
        here: as `present` of `run`.

    Returns:
        The sums, the variables that they are of, and of each whether it has a gradient in this call; None: it has.
    """
    position = optimizer._get_variable_index
    given = {position(v): entry for v, *entry in zip(variables, grads, here or [None] * len(grads), strict=True)}
    known = dict(zip(map(position, variables), variables, strict=True))
    every = [known.get(i, v) for i, v in enumerate(optimizer._trainable_variables) if i in known or is_summed(v)]
    added = [given.get(position(v), (None, _ABSENT)) for v in every]
    totals = accumulators(optimizer, every)
    pairs = zip(added, totals, strict=True)
    sums = [tf.convert_to_tensor(t) if g is None else tf.convert_to_tensor(g) + t for (g, _), t in pairs]
    return sums, every, [flag for _, flag in added]


def is_summed(variable: Any) -> bool:
    """Returns whether gradients of a variable are accumulated: not those of float8 scales, which are their values."""
    return is_float(variable) and not getattr(variable, "overwrite_with_gradient", False)


def collect(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any], here: Present) -> tf.Tensor:
    """Stores the sums so far, one set per replica."""
    for total, g, flag in zip(accumulators(optimizer, variables), grads, here, strict=True):
        if flag is not _ABSENT:
            strategy.extended.update(total, lambda var, value: var.assign(value), args=(g,), group=False)
    return tf.constant(1, tf.int64)


def collected(strategy: Any, total: Any, here: tf.Tensor | None) -> tf.Tensor | None:
    """Returns whether a variable had a gradient in some call of the cycle: in this one, or its sum is not zero.

    None: it has one in this call, for sure. A variable whose gradients were all zero counts as one without.
    """
    return None if here is None else here | tf.reduce_any(tf.not_equal(local(strategy, total), 0))


def both(one: tf.Tensor | None, other: tf.Tensor | None) -> tf.Tensor | None:
    """Returns whether both hold, each None where it does for sure."""
    return other if one is None else one if other is None else one & other
