"""QHM."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Fraction, NonNegative
from tfoptim.optimizer import Optimizer


class QHM(Optimizer):
    """Quasi-hyperbolic momentum (Ma & Yarats, 2019: Quasi-hyperbolic momentum and Adam, algorithm 1).

    ```
    m <- 0
    m <- momentum * m + (1 - momentum) * g
    w <- w - learning_rate * ((1 - nu) * g + nu * m)
    ```

    Plain gradient and averaged gradient in one: nu = 0 is SGD, nu = 1 momentum, nu = momentum Nesterov's method, both
    at the learning rate `learning_rate * (1 - momentum)`.

    Args:
        learning_rate: size of the step along the gradient.
        momentum: share of the old mean of gradients that each step keeps.
        nu: weight of the mean against the gradient.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import QHM, simulate
    >>> simulate(QHM(0.01), 1.0, [0.1, -0.2, 0.3])
    array([0.9996993, 1.0003   , 0.9993986])
    """

    family = "gradient"
    slots = {"m": 0.0}

    learning_rate: NonNegative = 1.0
    momentum: Fraction = 0.999
    nu: ClosedFraction = 0.7

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.momentum * s.m + (1 - h.momentum) * g
        return (1 - h.nu) * g + h.nu * s.m
