"""ADOPT."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import clip, equal, maximum, power, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class ADOPT(Optimizer):
    """ADOPT (Taniguchi et al., 2024: Modified Adam can converge with any beta_2, algorithm 2, with clipping).

    ```
    m, v <- 0
    t = 1:  v <- g^2, and no step
    t > 1:  u = g / max(sqrt(v), epsilon);   u <- clip(u, -c, c),   c = (t - 1)^clip_exponent
            m <- beta_1 * m + (1 - beta_1) * u
            w <- w - learning_rate * m
            v <- beta_2 * v + (1 - beta_2) * g^2
    ```

    Where beta_2 cannot be tuned, or gradients have heavy tails: the gradient is divided by the second moment of those
    before it, which Adam's proof lacks. The first step leaves the weights as they are, but for weight decay, which the
    authors' code leaves out there. An element whose first gradient comes later makes steps of c at most, and without
    clipping of g / epsilon.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of divided gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: the smallest denominator.
        clip_exponent: how fast the largest divided gradient grows with the step; None: no clipping.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import ADOPT, simulate
    >>> simulate(ADOPT(), 1.0, [0.1, -0.2, 0.3])
    array([1.        , 1.0001    , 1.00007108])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0}

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.9999
    epsilon: NonNegative = 1e-6
    clip_exponent: NonNegative | None = 0.25

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        first = equal(h.t, 1)
        u = ratio(g, maximum(sqrt(s.v), h.epsilon))
        if h.clip_exponent is not None:
            c = power(h.t - 1, h.clip_exponent)
            u = clip(u, -c, c)
        s.m = where(first, s.m, h.beta_1 * s.m + (1 - h.beta_1) * u)
        s.v = where(first, square(g), h.beta_2 * s.v + (1 - h.beta_2) * square(g))
        return where(first, 0.0, s.m)
