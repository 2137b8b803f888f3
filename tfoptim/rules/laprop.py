"""LaProp."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class LaProp(Optimizer):
    """LaProp (Ziyin, Wang & Ueda, 2020: Separating momentum and adaptivity in Adam, algorithm 1).

    ```
    m, v <- 0
    v <- beta_2 * v + (1 - beta_2) * g^2
    m <- beta_1 * m + (1 - beta_1) * g / (sqrt(v / (1 - beta_2^t)) + epsilon)
    w <- w - learning_rate * m / (1 - beta_1^t)
    ```

    Adam that divides each gradient before it is averaged, so that any pair of betas is stable; for noisy gradients and
    small beta_2. The authors' code keeps the learning rate in m, which differs under a schedule.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of scaled gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import LaProp, simulate
    >>> simulate(LaProp(), 1.0, [0.1, -0.2, 0.3])
    array([0.9996    , 0.99967678, 0.99952031])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0}

    learning_rate: NonNegative = 0.0004
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-15

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * ratio(g, sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
        return s.m / debias(h.beta_1, h.t)
