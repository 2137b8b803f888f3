"""ADOPT."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import clip, equal, maximum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class ADOPT(Optimizer):
    """ADOPT, clipped (Taniguchi et al., 2024: Modified Adam can converge with any beta_2, algorithm 2).

    ```
    m, v <- 0
    t = 1:   v <- g^2, and no step
    t > 1:   u  = g / max(sqrt(v), epsilon);   u <- clip(u, -c, c),  c = (t - 1)^clip_exponent
             m <- beta_1 * m + (1 - beta_1) * u
             w <- w - learning_rate * m;   v <- beta_2 * v + (1 - beta_2) * g^2
    ```

    Adam whose gradient is divided by the root of those before it, so that it converges with any beta_2, and under
    heavy-tailed noise. No bias correction. The first step only measures, and decays weights as every step does.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of scaled gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: smallest denominator.
        clip_exponent: growth of the bound on scaled gradients with the steps; None: no bound.
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

    def once(self, h: Any, s: Any) -> None:
        h.later = where(equal(h.t, 1), 0.0, 1.0)
        h.c = None if h.clip_exponent is None else (h.t - 1) ** h.clip_exponent

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        u = ratio(g, maximum(sqrt(s.v), h.epsilon))
        if h.c is not None:
            u = clip(u, -h.c, h.c)
        s.m = h.later * (h.beta_1 * s.m + (1 - h.beta_1) * u)
        s.v = h.beta_2 * s.v * h.later + (1 - h.beta_2 * h.later) * square(g)
        return s.m
