"""Estimates of the diagonal of the Hessian, for rules that divide by it; taken in `Optimizer.gradients`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfoptim.step.derivatives import Loss, hessian_products, keep
from tfoptim.step.gradients import all_finite
from tfoptim.step.perturbation import poisoned
from tfoptim.variables import raw


def keep_diagonal(
    optimizer: Any, slot: str, loss: Loss, variables: Sequence[Any], seed: int = 0, period: int = 1
) -> list[Any]:
    """Returns the gradients, and keeps `z * (H z)` in a slot of each variable: its mean over z is the diagonal of H.

    z is random signs (Hutchinson, 1990), of which every replica has the same, and a resumed run those that it would
    have had: they depend on `seed`, the number of the call, and the place of the variable. In kernels of convolutions,
    (height, width, in, out), the diagonal is averaged over height and width. Where it is not finite, the gradients are
    NaN: then `nonfinite` or the loss scale decides.

    Args:
        optimizer: built, with the slot.
        slot: its declared name.
        loss: returns the scalar loss; called once.
        variables: to differentiate with respect to.
        seed: integer >= 0.
        period: steps from one estimate to the next; in between, the slots keep theirs.
    """
    calls = tf.convert_to_tensor(raw(optimizer._iterations))
    step = calls // (optimizer.gradient_accumulation_steps or 1)
    due = None if period == 1 else tf.equal(tf.math.floormod(step, period), 0)
    z = [signs(v, [seed * len(variables) + i, calls]) for i, v in enumerate(variables)]
    found, products = hessian_products(optimizer, loss, variables, z, due)
    keep(optimizer, slot, variables, [_averaged(x * y) for x, y in zip(z, products, strict=True)], due)
    finite = all_finite(products)
    return [poisoned(g, v, finite) for g, v in zip(found, variables, strict=True)]


def signs(variable: Any, seed: Any) -> tf.Tensor:
    """Returns random signs, -1 or 1 with equal chance, of a variable's shape and dtype.

    Args:
        variable: whose shape and dtype they have.
        seed: two integers; the same give the same signs, on every device and in every mode.
    """
    coins = tf.random.stateless_uniform(variable.shape, tf.cast(tf.stack(seed), tf.int64), 0, 2, tf.int32)
    return tf.cast(2 * coins - 1, raw(variable).dtype)


def _averaged(x: tf.Tensor) -> tf.Tensor:
    """Returns the diagonal of a convolution's kernel averaged over its two spatial axes, others as they are."""
    return tf.broadcast_to(tf.reduce_mean(x, [0, 1], keepdims=True), x.shape) if x.shape.rank == 4 else x
