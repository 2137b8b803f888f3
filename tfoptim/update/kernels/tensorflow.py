"""TensorFlow's fused training kernels: operations that update weights and slots in place, in one pass over memory.

Each function does what the rule of the same name does, and is tested against it. The kernels round differently in two
places. They take `1 - beta` in the variable's precision, which for beta = 0.999 in float32 makes `v` wrong by up to
3e-5 of itself; where it would be more than 1e-3 the rule runs instead. The bias correction, which would suffer the
same, is not left to them: they get powers of 0 and a learning rate that already has it, computed in float64.

Where no kernel is the rule, several are put together: `toward` moves an average, ResourceApplyAdagradV2, told to leave
its slot alone, divides by a root. Not used, since they are not the rule: ResourceApplyMomentum on `lr` (a changing rate
acts on the past), ResourceApplyAdagrad (no epsilon), ResourceApplyAdam with `use_nesterov` (not Nadam),
ResourceApplyRMSProp without momentum (wants a slot), ResourceApplyCenteredRMSProp (takes the root of a variance that
rounding has made negative); and ResourceApplyAdamWithAmsgrad, which XLA cannot compile, so that `fit` would fail. In a
SavedModel stand those alone that TFLite can take apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim import ops
from tfoptim.declaration import overrides
from tfoptim.declaration.domains import FRACTION
from tfoptim.ops import Scalar, debias, ratio, sqrt
from tfoptim.update.context import Update

Kernel = Callable[[Update], None]


def find(u: Update, metal: bool, single_pass: bool) -> Kernel | None:
    """Returns the kernel that equals the optimizer's rule on this variable, or None.

    Args:
        u: the update to be done; its gradient is dense.
        metal: whether the kernels are Apple's: float32, no Adamax, and AdagradV2 always moves its slot.
        single_pass: whether not to put up with more passes over the variable than a kernel or two.
    """
    package, _, name = overrides.rule_of(u.optimizer).rpartition(".")
    unfused = {"adam": "v_max" in u.slots, "rmsprop": "b" not in u.slots or "a" in u.slots}
    many_passes = unfused.get(name, False) or u.decay is not None
    dtypes = (tf.float32,) if metal else (tf.float32, tf.float64)
    if package != "tfoptim.rules" or u.variable.dtype not in dtypes or (many_passes and single_pass):
        return None
    lacking = (metal or u.portable) and (name in ("adamax", "nadam") or "v_max" in u.slots)
    lacking |= u.portable and (name == "adadelta" or _in_parts(u))
    if lacking or not keeps_numbers(u.optimizer, u.variable.dtype):
        return None
    return _KERNELS.get(name)


def keeps_numbers(optimizer: Any, dtype: tf.DType) -> bool:
    """Returns whether the optimizer's numbers keep at least three digits in the kernels.

    `1 - beta` must, for each beta or rho, when a kernel takes it in its own precision: a beta of 0.99999999 is 1 in
    float32, the second moment would stay 0 and the step be divided by epsilon alone. Of a schedule nobody knows how
    near to 1 it comes. For AdaGrad's epsilon see `adagrad`.
    """
    numbers = {**optimizer.numbers(), **dict.fromkeys(optimizer._in_functions)}  # those nobody knows
    start: Any = numbers.get("initial_accumulator_value")
    epsilon = numbers.get("epsilon")
    if "initial_accumulator_value" in numbers:
        return bool(dtype == tf.float32 and isinstance(epsilon, float) and start > 0 and epsilon <= 4e-6 * start)
    betas = [numbers[name] for name, field in optimizer.fields.items() if field.domain == FRACTION]
    return all(
        isinstance(beta, float) and abs(float(np.array(beta, dtype.as_numpy_dtype)) - beta) <= 1e-3 * (1 - beta)
        for beta in betas
    )


def gd(u: Update) -> None:
    """`GD`, and `SGD` without momentum."""
    _along(u, u.gradient, u.h.learning_rate)


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


def adagrad(u: Update) -> None:
    """`AdaGrad`; its epsilon is inside the root, the kernel's outside.

    `sqrt(G + epsilon)` is `sqrt(G) + epsilon / (2 sqrt(G))` but for terms in `epsilon**2`. The kernel gets the second
    part as it is at the start value of G, from which G can only grow: the step is then wrong by at most `epsilon /
    (8 G)` of itself: four units in float32's last place, as long as epsilon is below 4e-6 of the start value.
    """
    _divided(u, u.gradient, "G", u.h.learning_rate, u.h.epsilon / (2 * sqrt(u.h.initial_accumulator_value)), moves=True)


def rmsprop(u: Update) -> None:
    """`RMSprop`: one kernel with momentum; centered, or without momentum, several operations in place."""
    if "b" in u.slots and "a" not in u.slots:
        tf.raw_ops.ResourceApplyRMSProp(
            var=u.variable.handle,
            ms=u.slots["v"].handle,
            mom=u.slots["b"].handle,
            lr=u.number(u.h.learning_rate),
            rho=u.number(u.h.rho),
            momentum=u.number(u.h.momentum),
            epsilon=_positive(u, u.h.epsilon),
            grad=u.gradient,
        )
        return
    toward(u.slots["v"], tf.square(u.gradient), 1 - u.h.rho)
    variance = tf.convert_to_tensor(u.slots["v"])
    if "a" in u.slots:
        toward(u.slots["a"], u.gradient, 1 - u.h.rho)
        variance = tf.maximum(variance - tf.square(u.slots["a"]), u.number(u.h.zero))
    direction = ratio(u.gradient, tf.sqrt(variance + u.number(u.h.epsilon)))
    if "b" not in u.slots:
        _along(u, direction, u.h.learning_rate)
        return
    tf.raw_ops.ResourceApplyMomentum(
        var=u.variable.handle,
        accum=u.slots["b"].handle,
        lr=u.number(1 + u.h.zero),
        grad=u.number(u.h.learning_rate) * direction,
        momentum=u.number(u.h.momentum),
    )


def adadelta(u: Update) -> None:
    """`Adadelta`."""
    tf.raw_ops.ResourceApplyAdadelta(
        var=u.variable.handle,
        accum=u.slots["a"].handle,
        accum_update=u.slots["d"].handle,
        lr=u.number(u.h.learning_rate),
        rho=u.number(u.h.rho),
        epsilon=_positive(u, u.h.epsilon),
        grad=u.gradient,
    )


def adam(u: Update) -> None:
    """`Adam`, with or without `amsgrad`, and `AdamW` after its decay."""
    rate = u.h.learning_rate * (sqrt(debias(u.h.beta_2, u.h.t)) / debias(u.h.beta_1, u.h.t))
    if "v_max" not in u.slots:
        _adam(u, rate, u.h.epsilon)
        return
    _adam(u, None, u.h.epsilon)
    u.optimizer.assign(u.slots["v_max"], tf.maximum(u.slots["v_max"], u.slots["v"]))
    _divided(u, tf.convert_to_tensor(u.slots["m"]), "v_max", rate, u.h.epsilon)


def nadam(u: Update) -> None:
    """`Nadam`: first the part of the step along the mean, by Adam's kernel, then the part along the gradient."""
    root = sqrt(debias(u.h.beta_2, u.h.t))
    rate, epsilon = u.h.learning_rate * root, u.h.epsilon * root
    _adam(u, rate * (u.h.mu_next / (1 - u.h.P * u.h.mu_next)), epsilon)
    _divided(u, u.gradient, "v", rate * ((1 - u.h.mu) / (1 - u.h.P)), epsilon)


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
        epsilon=_positive(u, u.h.epsilon),
        grad=u.gradient,
    )


_KERNELS: dict[str, Kernel] = {
    "gd": gd,
    "momentum": momentum,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adamax": adamax,
    "nadam": nadam,
}


# What they are put together from


def toward(variable: Any, target: Any, share: Scalar) -> None:
    """Moves a variable by `share` of the way to `target`, a tensor of its shape and dtype, float32 or float64."""
    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=share.cast(variable.dtype), delta=variable - target
    )


def _positive(u: Update, epsilon: Scalar) -> tf.Tensor:
    """Returns a positive epsilon for a kernel, which else divides 0 by 0; the smallest number has no other effect."""
    dtype = u.gradient.dtype
    smallest = np.finfo(dtype.as_numpy_dtype).tiny
    return epsilon.once(("positive", dtype), lambda: tf.maximum(epsilon.cast(dtype), smallest))


def _along(u: Update, direction: Any, rate: Scalar) -> None:
    """Moves the weights by `-rate * direction`."""
    tf.raw_ops.ResourceApplyGradientDescent(var=u.variable.handle, alpha=u.number(rate), delta=direction)


def _divided(u: Update, direction: Any, slot: str, rate: Scalar, epsilon: Scalar, moves: bool = False) -> None:
    """Moves the weights by `-rate * direction / (sqrt(slot) + epsilon)`; a slot that `moves` first adds the square."""
    tf.raw_ops.ResourceApplyAdagradV2(
        var=u.variable.handle,
        accum=u.slots[slot].handle,
        lr=u.number(rate),
        epsilon=_positive(u, epsilon),
        grad=direction,
        update_slots=moves,
    )


def _in_parts(u: Update) -> bool:
    """Returns whether Adam's step is composed of several kernels."""
    return 2**8 <= u.size < 2**15 and "GPU" not in u.variable.device and not ops.on_metal()


def _adam(u: Update, rate: Scalar | None, epsilon: Scalar) -> None:
    """Moves the averages `m` and `v`, and, if there is a rate, the weights by `-rate * m / (sqrt(v) + epsilon)`.

    On the CPU Adam's kernel wakes all threads however little there is to do, which takes some 20 us. For what one core
    has done by then, three kernels that do not are twice as fast.
    """
    if _in_parts(u):
        toward(u.slots["m"], u.gradient, 1 - u.h.beta_1)
        toward(u.slots["v"], tf.square(u.gradient), 1 - u.h.beta_2)
        if rate is not None:
            _divided(u, tf.convert_to_tensor(u.slots["m"]), "v", rate, epsilon)
        return
    tf.raw_ops.ResourceApplyAdam(
        var=u.variable.handle,
        m=u.slots["m"].handle,
        v=u.slots["v"].handle,
        beta1_power=u.number(u.h.zero),
        beta2_power=u.number(u.h.zero),
        lr=u.number(u.h.zero if rate is None else rate),
        beta1=u.number(u.h.beta_1),
        beta2=u.number(u.h.beta_2),
        epsilon=_positive(u, epsilon),
        grad=u.gradient,
    )
