"""Rprop."""

from typing import Annotated, Any

from tfoptim.declaration import Fraction, Interval, NonNegative, Number, Positive
from tfoptim.ops import clip, sign, where
from tfoptim.optimizer import Optimizer


class Rprop(Optimizer):
    """Rprop (Riedmiller & Braun, 1993), in the form iRprop- (Igel & Huesken, 2000: Improving the Rprop algorithm).

    ```
    d <- learning_rate;   g_old <- 0;   q = g * g_old
    d <- clip(d * (eta_plus if q > 0, eta_minus if q < 0, else 1), min_step, max_step)
    g <- 0 where q < 0
    w <- w - sign(g) * d;   g_old <- g
    ```

    For full batches: on mini-batches the sign of a gradient is noise. The learning rate only starts d: a schedule,
    one of a group, and another once the optimizer is built would do nothing, and are refused.

    Args:
        learning_rate: length of the first steps.
        eta_minus: factor on a step whose gradient has changed its sign.
        eta_plus: factor on a step whose gradient has kept it, >= 1.
        min_step: shortest step.
        max_step: longest step.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Rprop, simulate
    >>> simulate(Rprop(), 1.0, [0.1, -0.2, 0.3])
    array([0.99 , 0.99 , 0.985])
    """

    family = "sign"
    slots = {"d": "learning_rate", "g_old": 0.0}
    ordered = (("min_step", "max_step"),)

    learning_rate: Annotated[Number, Interval(0.0, schedulable=False)] = 0.01
    eta_minus: Fraction = 0.5
    eta_plus: Annotated[Number, Interval(1.0)] = 1.2
    min_step: NonNegative = 1e-6
    max_step: Positive = 50.0

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        q = sign(g) * sign(s.g_old)
        s.d = clip(where(q > 0, h.eta_plus * s.d, where(q < 0, h.eta_minus * s.d, s.d)), h.min_step, h.max_step)
        s.g_old = where(q < 0, 0.0, g)
        return w - sign(s.g_old) * s.d
