"""TensorFlow's fused kernels of the proximal rules, exact but for rounding.

Both refuse a learning rate of 0, which a warm-up starts from. `ProximalAdagrad` gets the smallest number instead, which
moves nothing; `Ftrl` divides by its rate, so the kernel waits. Both divide 0 by 0 where the sum of squares is 0 and the
rule does not move, so they need a sum that starts above 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.rules.ftrl import Ftrl
from tfoptim.rules.proximal_adagrad import ProximalAdagrad
from tfoptim.update.context import Update
from tfoptim.update.kernels import Kernel, add, positive


def ftrl(u: Update) -> None:
    """`Ftrl`; the kernel has no beta, and counts l2 twice where the rule divides beta by the rate."""
    h = u.h
    arguments = {  # numbers are computed outside of the branches, as other variables use them too
        "lr": u.number(h.rate),
        "l1": u.number(h.l1_regularization_strength),
        "l2": u.number(h.l2_regularization_strength + h.beta / (2 * h.rate)),
        "l2_shrinkage": u.number(h.l2_shrinkage_regularization_strength),
        "lr_power": u.number(h.learning_rate_power),
    }
    tf.cond(h.learning_rate > 0, lambda: _ftrl(u, arguments), lambda: _collect(u))


def _ftrl(u: Update, arguments: Mapping[str, tf.Tensor]) -> tf.Tensor:
    slots = {"accum": u.slots["n"].handle, "linear": u.slots["z"].handle}
    tf.raw_ops.ResourceApplyFtrlV2(var=u.variable.handle, **slots, grad=u.gradient, **arguments)
    return tf.constant(True)


def _collect(u: Update) -> tf.Tensor:
    tf.raw_ops.AssignAddVariableOp(resource=u.slots["n"].handle, value=tf.square(u.gradient))
    return tf.constant(False)


def proximal_adagrad(u: Update) -> None:
    """`ProximalAdagrad`."""
    tf.raw_ops.ResourceApplyProximalAdagrad(
        var=u.variable.handle,
        accum=u.slots["G"].handle,
        lr=positive(u, u.h.learning_rate),
        l1=u.number(u.h.l1_regularization_strength),
        l2=u.number(u.h.l2_regularization_strength),
        grad=u.gradient,
    )


def _starts_above_0(optimizer: Any, numbers: Mapping[str, Any], dtype: tf.DType) -> bool:
    """Returns whether no denominator can be 0."""
    del optimizer
    start, power = numbers["initial_accumulator_value"], numbers.get("learning_rate_power", -0.5)
    kind: Any = dtype.as_numpy_dtype
    return bool(isinstance(start, float) and isinstance(power, float) and start**-power > np.finfo(kind).tiny)


add(
    Kernel(Ftrl, ftrl, keeps=_starts_above_0, metal=False, portable=False),
    Kernel(ProximalAdagrad, proximal_adagrad, keeps=_starts_above_0, metal=False, portable=False),
)
