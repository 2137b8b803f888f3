"""TensorFlow's fused training kernels: one operation updates weights and slots in a single pass over memory.

Each function does what the rule of the same name does, and is tested against it. The kernels round differently in two
places. They take `1 - beta` in the variable's precision, which for beta = 0.999 in float32 makes `v` wrong by up to
3e-5 of itself; where it would be more than 1e-3 the rule runs instead. The bias correction, which would suffer the
same, is not left to them: they get powers of 0 and a learning rate that already has it, computed in float64.

Not used, because they are not the rule: ResourceApplyMomentum (keeps the sum of gradients, so a changing learning rate
acts on the past), ResourceApplyAdagrad (no epsilon) and AdagradV2 (epsilon outside the root), ResourceApplyAdam with
`use_nesterov` (not Nadam), ResourceApplyRMSProp without momentum (wants a slot that the rule does not have),
ResourceApplyCenteredRMSProp (takes the root of a variance that rounding has made negative); and
ResourceApplyAdamWithAmsgrad, which XLA cannot compile, so that `fit`, which compiles by default, would fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.domains import FRACTION
from tfoptim.ops import debias, sqrt
from tfoptim.update import Update

Kernel = Callable[[Update], None]


def find(u: Update, metal: bool) -> Kernel | None:
    """Returns the kernel that does what the optimizer's rule does to this variable, or None.

    Args:
        u: the update to be done; its gradient is dense.
        metal: whether the kernels are Apple's: float32 only, and without Adamax.
    """
    rule = next(cls for cls in type(u.optimizer).__mro__ if "direction" in vars(cls) or "step" in vars(cls))
    package, _, name = rule.__module__.rpartition(".")
    lacks = {"rmsprop": "b" not in u.slots or "a" in u.slots, "adam": "v_max" in u.slots, "adamax": metal}
    dtypes = (tf.float32,) if metal else (tf.float32, tf.float64)
    if package != "tfoptim.rules" or lacks.get(name) or u.variable.dtype not in dtypes:
        return None
    return _KERNELS.get(name) if keeps_numbers(u.optimizer, u.variable.dtype) else None


def keeps_numbers(optimizer: Any, dtype: tf.DType) -> bool:
    """Tells whether `1 - beta` keeps three digits, for each beta or rho, when a kernel takes it in its own precision.

    A beta of 0.99999999 is 1 in float32: the second moment would stay 0 and the step be divided by epsilon alone. Of a
    schedule nobody knows how near to 1 it comes.
    """
    numbers = optimizer.numbers()
    betas = [numbers[name] for name, field in optimizer.fields.items() if field.domain == FRACTION]
    return all(
        isinstance(beta, float) and abs(float(np.array(beta, dtype.as_numpy_dtype)) - beta) <= 1e-3 * (1 - beta)
        for beta in betas
    )


def gd(u: Update) -> None:
    """`GD`, and `SGD` without momentum."""
    tf.raw_ops.ResourceApplyGradientDescent(var=u.variable.handle, alpha=u.number(u.h.learning_rate), delta=u.gradient)


def momentum(u: Update) -> None:
    """`Momentum` and `SGD`."""
    if "v" not in u.slots:
        gd(u)
        return
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=u.variable.handle,
        accum=u.slots["v"].handle,
        lr=u.number(u.h.learning_rate),
        grad=u.gradient,
        momentum=u.number(u.h.momentum),
        use_nesterov=u.optimizer.nesterov,
    )


def rmsprop(u: Update) -> None:
    """`RMSprop` with momentum."""
    tf.raw_ops.ResourceApplyRMSProp(
        var=u.variable.handle,
        ms=u.slots["v"].handle,
        mom=u.slots["b"].handle,
        lr=u.number(u.h.learning_rate),
        rho=u.number(u.h.rho),
        momentum=u.number(u.h.momentum),
        epsilon=u.number(u.h.epsilon),
        grad=u.gradient,
    )


def adadelta(u: Update) -> None:
    """`Adadelta`."""
    tf.raw_ops.ResourceApplyAdadelta(
        var=u.variable.handle,
        accum=u.slots["a"].handle,
        accum_update=u.slots["d"].handle,
        lr=u.number(u.h.learning_rate),
        rho=u.number(u.h.rho),
        epsilon=u.number(u.h.epsilon),
        grad=u.gradient,
    )


def adam(u: Update) -> None:
    """`Adam`, and `AdamW` after its decay."""
    tf.raw_ops.ResourceApplyAdam(
        var=u.variable.handle,
        m=u.slots["m"].handle,
        v=u.slots["v"].handle,
        beta1_power=u.number(u.h.zero),
        beta2_power=u.number(u.h.zero),
        lr=u.number(u.h.learning_rate * (sqrt(debias(u.h.beta_2, u.h.t)) / debias(u.h.beta_1, u.h.t))),
        beta1=u.number(u.h.beta_1),
        beta2=u.number(u.h.beta_2),
        epsilon=u.number(u.h.epsilon),
        grad=u.gradient,
    )


def adamax(u: Update) -> None:
    """`Adamax`."""
    tf.raw_ops.ResourceApplyAdaMax(
        var=u.variable.handle,
        m=u.slots["m"].handle,
        v=u.slots["u"].handle,
        beta1_power=u.number(u.h.zero),
        lr=u.number(u.h.learning_rate / debias(u.h.beta_1, u.h.t)),
        beta1=u.number(u.h.beta_1),
        beta2=u.number(u.h.beta_2),
        epsilon=u.number(u.h.epsilon),
        grad=u.gradient,
    )


_KERNELS: dict[str, Kernel] = {
    "gd": gd,
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adamax": adamax,
}
