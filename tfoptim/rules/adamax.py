"""Adamax."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import absolute, debias, maximum, ratio
from tfoptim.optimizer import Optimizer


class Adamax(Optimizer):
    """Adamax (Kingma & Ba, 2015, algorithm 2): Adam with the infinity norm.

    ```
    m, u <- 0
    m <- beta_1 * m + (1 - beta_1) * g
    u <- max(beta_2 * u, |g|)
    w <- w - learning_rate / (1 - beta_1^t) * m / (u + epsilon)
    ```

    The denominator is the largest recent gradient, so one outlier shortens the steps for a while; steady under noise
    of very different sizes. The paper's learning rate is 0.002 and it has no epsilon; Keras's are used here.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old maximum that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Adamax, simulate
    >>> simulate(Adamax(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.99928947, 0.99904224])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7

    slots = {"m": 0.0, "u": 0.0}

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.u = maximum(h.beta_2 * s.u, absolute(g))
        return ratio(s.m / debias(h.beta_1, h.t), s.u + h.epsilon)
