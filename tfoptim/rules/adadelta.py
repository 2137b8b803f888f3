"""Adadelta."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012: An adaptive learning rate method, algorithm 1).

    ```
    a, d <- 0
    a <- rho * a + (1 - rho) * g^2
    x = sqrt(d + epsilon) / sqrt(a + epsilon) * g
    d <- rho * d + (1 - rho) * x^2
    w <- w - learning_rate * x
    ```

    The step has the unit of the weights, so the paper needs no learning rate: use 1.0 for its form. Keras's default of
    0.001 makes the first steps about 1e-6 long.

    Args:
        learning_rate: factor on the paper's step; 1.0 matches the paper.
        rho: share of the old averages that each step keeps.
        epsilon: starts the motion and keeps the roots, in which it stands, away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Adadelta, simulate
    >>> simulate(Adadelta(), 1.0, [0.1, -0.2, 0.3])
    array([0.99999859, 1.00000038, 0.99999822])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    rho: Fraction = 0.95
    epsilon: NonNegative = 1e-7

    slots = {"a": 0.0, "d": 0.0}

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.a = h.rho * s.a + (1 - h.rho) * square(g)
        x = ratio(sqrt(s.d + h.epsilon), sqrt(s.a + h.epsilon)) * g
        s.d = h.rho * s.d + (1 - h.rho) * square(x)
        return x
