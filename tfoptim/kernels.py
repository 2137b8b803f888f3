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

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfoptim.ops import debias, sqrt

Kernel = Callable[[Any, Any, Any, Any, Any], None]


def find(optimizer: Any, variable: Any, slots: Mapping[str, Any], metal: bool) -> Kernel | None:
    """Returns the kernel that does what the optimizer's rule does to this variable, or None.

    Args:
        optimizer: whose rule it is.
        variable: tf.Variable to update.
        slots: its slots.
        metal: whether the kernels are Apple's: float32 only, and without Adamax.
    """
    rule = next(cls for cls in type(optimizer).__mro__ if "direction" in vars(cls) or "step" in vars(cls))
    package, _, name = rule.__module__.rpartition(".")
    if package != "tfoptim.rules" or variable.dtype not in ((tf.float32,) if metal else (tf.float32, tf.float64)):
        return None
    if (
        (name == "rmsprop" and ("b" not in slots or "a" in slots))
        or (name == "adam" and optimizer.amsgrad)
        or (name == "adamax" and metal)
    ):
        return None
    if not all(_complement_fits(number, variable.dtype) for number in optimizer.numbers().values()):
        return None
    return _KERNELS.get(name)


def _complement_fits(number: Any, dtype: tf.DType) -> bool:
    """Tells whether `1 - number` keeps three digits when a kernel takes it in its own precision.

    A beta of 0.99999999 is 1 in float32: the second moment would stay 0 and the step be divided by epsilon alone.
    """
    if not isinstance(number, float) or not 0.5 < number < 1:
        return True
    taken = 1 - float(dtype.as_numpy_dtype(number))
    return abs(taken - (1 - number)) <= 1e-3 * (1 - number)


def _number(x: Any, g: Any) -> Any:
    return x.cast(g.dtype)


def gd(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`GD`, and `SGD` without momentum."""
    tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=_number(h.learning_rate, g), delta=g)


def momentum(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`Momentum` and `SGD`."""
    if "v" not in s:
        gd(optimizer, h, g, w, s)
        return
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=w.handle,
        accum=s["v"].handle,
        lr=_number(h.learning_rate, g),
        grad=g,
        momentum=_number(h.momentum, g),
        use_nesterov=optimizer.nesterov,
    )


def rmsprop(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`RMSprop` with momentum."""
    tf.raw_ops.ResourceApplyRMSProp(
        var=w.handle,
        ms=s["v"].handle,
        mom=s["b"].handle,
        lr=_number(h.learning_rate, g),
        rho=_number(h.rho, g),
        momentum=_number(h.momentum, g),
        epsilon=_number(h.epsilon, g),
        grad=g,
    )


def adadelta(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`Adadelta`."""
    tf.raw_ops.ResourceApplyAdadelta(
        var=w.handle,
        accum=s["a"].handle,
        accum_update=s["d"].handle,
        lr=_number(h.learning_rate, g),
        rho=_number(h.rho, g),
        epsilon=_number(h.epsilon, g),
        grad=g,
    )


def adam(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`Adam`, and `AdamW` after its decay."""
    tf.raw_ops.ResourceApplyAdam(
        var=w.handle,
        m=s["m"].handle,
        v=s["v"].handle,
        beta1_power=_number(h.zero, g),
        beta2_power=_number(h.zero, g),
        lr=_number(h.learning_rate * (sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t)), g),
        beta1=_number(h.beta_1, g),
        beta2=_number(h.beta_2, g),
        epsilon=_number(h.epsilon, g),
        grad=g,
    )


def adamax(optimizer: Any, h: Any, g: Any, w: Any, s: Mapping[str, Any]) -> None:
    """`Adamax`."""
    tf.raw_ops.ResourceApplyAdaMax(
        var=w.handle,
        m=s["m"].handle,
        v=s["u"].handle,
        beta1_power=_number(h.zero, g),
        lr=_number(h.learning_rate / debias(h.beta_1, h.t), g),
        beta1=_number(h.beta_1, g),
        beta2=_number(h.beta_2, g),
        epsilon=_number(h.epsilon, g),
        grad=g,
    )


_KERNELS: dict[str, Kernel] = {
    "gd": gd,
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adamax": adamax,
}
