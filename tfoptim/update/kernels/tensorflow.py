"""TensorFlow's fused training kernels: operations that update weights and slots in place, in one pass over memory.

Each record is tested against its rule. The kernels round differently in two places. They take `1 - beta` in the
variable's precision, which for beta = 0.999 in float32 makes `v` wrong by up to 3e-5 of itself; where it would be more
than 1e-3 the rule runs instead. The bias correction, which would suffer the same, is not left to them: they get powers
of 0 and a learning rate that already has it, computed in float64.

Where no kernel is the rule, several are put together: `toward` moves an average, ResourceApplyAdagradV2, asked to leave
its slot alone, divides by a root. Not used, since they are not the rule: ResourceApplyMomentum on `lr` (a changing rate
acts on the past), ResourceApplyAdagrad (no epsilon), ResourceApplyAdam with `use_nesterov` (not Nadam),
ResourceApplyRMSProp without momentum (wants a slot), ResourceApplyCenteredRMSProp (takes the root of a variance that
rounding has made negative); and ResourceApplyAdamWithAmsgrad, which XLA cannot compile, so that `fit` would fail. A
SavedModel has only those that TFLite can decompose (`portable`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfoptim import scalar
from tfoptim.ops import debias, ratio, sqrt
from tfoptim.rules.adadelta import Adadelta
from tfoptim.rules.adagrad import AdaGrad
from tfoptim.rules.adam import Adam
from tfoptim.rules.adamax import Adamax
from tfoptim.rules.gd import GD
from tfoptim.rules.momentum import Momentum
from tfoptim.rules.nadam import Nadam
from tfoptim.rules.rmsprop import RMSprop
from tfoptim.scalar import Scalar
from tfoptim.update.context import Update
from tfoptim.update.kernels import Kernel, add, positive
from tfoptim.variables import toward


def gd(u: Update) -> None:
    """`GD`, and `SGD` without momentum."""
    _along(u, u.gradient, u.h.learning_rate)


def momentum(u: Update) -> None:
    """`Momentum` and `SGD`, with momentum."""
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
    """`RMSprop` with momentum: one kernel."""
    tf.raw_ops.ResourceApplyRMSProp(
        var=u.variable.handle,
        ms=u.slots["v"].handle,
        mom=u.slots["b"].handle,
        lr=u.number(u.h.learning_rate),
        rho=u.number(u.h.rho),
        momentum=u.number(u.h.momentum),
        epsilon=positive(u, u.h.epsilon),
        grad=u.gradient,
    )


def rmsprop_in_parts(u: Update) -> None:
    """`RMSprop`, centered or without momentum: several operations in place."""
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
        epsilon=positive(u, u.h.epsilon),
        grad=u.gradient,
    )


def adam(u: Update) -> None:
    """`Adam`, and `AdamW` after its decay."""
    _adam(u, _rate(u), u.h.epsilon)


def adam_in_parts(u: Update) -> None:
    """The same for what one core does sooner than Adam's kernel wakes the others: three kernels."""
    _moments(u)
    _divided(u, tf.convert_to_tensor(u.slots["m"]), "v", _rate(u), u.h.epsilon)


def amsgrad(u: Update) -> None:
    """`Adam` and `AdamW` with `amsgrad`."""
    _moments(u)
    u.optimizer.assign(u.slots["v_max"], tf.maximum(u.slots["v_max"], u.slots["v"]))
    _divided(u, tf.convert_to_tensor(u.slots["m"]), "v_max", _rate(u), u.h.epsilon)


def nadam(u: Update) -> None:
    """`Nadam`: first the part of the step along the mean, by Adam's kernel, then the part along the gradient."""
    root = sqrt(debias(u.h.beta_2, u.h.t))
    rate, epsilon = u.h.learning_rate * root, u.h.epsilon * root
    ahead = rate * (u.h.mu_next / (1 - u.h.P * u.h.mu_next))
    if _in_parts(u):
        _moments(u)
        _divided(u, tf.convert_to_tensor(u.slots["m"]), "v", ahead, epsilon)
    else:
        _adam(u, ahead, epsilon)
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
        epsilon=positive(u, u.h.epsilon),
        grad=u.gradient,
    )


# Their parts


def _along(u: Update, direction: Any, rate: Scalar) -> None:
    """Moves the weights by `-rate * direction`."""
    tf.raw_ops.ResourceApplyGradientDescent(var=u.variable.handle, alpha=u.number(rate), delta=direction)


def _divided(u: Update, direction: Any, slot: str, rate: Scalar, epsilon: Scalar, moves: bool = False) -> None:
    """Moves the weights by `-rate * direction / (sqrt(slot) + epsilon)`; a slot that `moves` first adds the square."""
    tf.raw_ops.ResourceApplyAdagradV2(
        var=u.variable.handle,
        accum=u.slots[slot].handle,
        lr=u.number(rate),
        epsilon=positive(u, epsilon),
        grad=direction,
        update_slots=moves,
    )


def _rate(u: Update) -> Scalar:
    """Returns Adam's learning rate with both bias corrections."""
    rate: Scalar = u.h.learning_rate * (sqrt(debias(u.h.beta_2, u.h.t)) / debias(u.h.beta_1, u.h.t))
    return rate


def _in_parts(u: Update) -> bool:
    """Returns whether Adam's step is composed of several kernels.

    On the CPU Adam's kernel wakes all threads however little there is to do, which takes some 20 us. For what one core
    has done by then, three kernels that do not are twice as fast.
    """
    return 2**8 <= u.size < 2**15 and "GPU" not in u.variable.device and not scalar.on_metal()


def _moments(u: Update) -> None:
    """Moves the averages `m` and `v`, and not the weights."""
    if _in_parts(u):
        toward(u.slots["m"], u.gradient, 1 - u.h.beta_1)
        toward(u.slots["v"], tf.square(u.gradient), 1 - u.h.beta_2)
    else:
        _adam(u, u.h.zero, u.h.epsilon)


def _adam(u: Update, rate: Scalar, epsilon: Scalar) -> None:
    """Moves the averages `m` and `v`, and the weights by `-rate * m / (sqrt(v) + epsilon)`."""
    tf.raw_ops.ResourceApplyAdam(
        var=u.variable.handle,
        m=u.slots["m"].handle,
        v=u.slots["v"].handle,
        beta1_power=u.number(u.h.zero),
        beta2_power=u.number(u.h.zero),
        lr=u.number(rate),
        beta1=u.number(u.h.beta_1),
        beta2=u.number(u.h.beta_2),
        epsilon=positive(u, epsilon),
        grad=u.gradient,
    )


def _epsilon_is_small(optimizer: Any, numbers: Mapping[str, Any], dtype: tf.DType) -> bool:
    """Returns whether AdaGrad's epsilon can move out of the root: see `adagrad`."""
    del optimizer, dtype
    start, epsilon = (numbers[name] for name in ("initial_accumulator_value", "epsilon"))
    return bool(isinstance(epsilon, float) and start > 0 and epsilon <= 4e-6 * start)


def _has(*names: str, without: tuple[str, ...] = ()) -> Any:
    """Returns the condition that a variable has some slots, and not others."""
    return lambda u: all(name in u.slots for name in names) and not any(name in u.slots for name in without)


add(
    Kernel(GD, gd),
    Kernel(Momentum, gd, serves=_has(without=("v",))),
    Kernel(Momentum, momentum, serves=_has("v")),
    Kernel(AdaGrad, adagrad, keeps=_epsilon_is_small, dtypes=(tf.float32,)),
    Kernel(RMSprop, rmsprop, serves=_has("b", without=("a",))),
    Kernel(RMSprop, rmsprop_in_parts, passes=5),
    Kernel(Adadelta, adadelta, portable=False),
    Kernel(Adam, amsgrad, serves=_has("v_max"), metal=False, portable=False, passes=4),
    Kernel(Adam, adam_in_parts, serves=lambda u: "v_max" not in u.slots and _in_parts(u), portable=False, passes=3),
    Kernel(Adam, adam, serves=_has(without=("v_max",))),
    Kernel(Adamax, adamax, metal=False, portable=False),
    Kernel(Nadam, nadam, metal=False, portable=False, passes=2),
)
