"""MADGRAD."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, Positive
from tfoptim.ops import cbrt, equal, sqrt, square, where
from tfoptim.optimizer import Optimizer


class MADGRAD(Optimizer):
    """MADGRAD (Defazio & Jelassi, 2021: Adaptivity without compromise, algorithm 1).

    ```
    x_0 <- w at the start;   s, v <- 0
    g  = g + weight_decay * w
    a  = (learning_rate + epsilon) * sqrt(t), or 0 where the learning rate is 0
    s <- s + a * g
    v <- v + a * g^2
    w <- momentum * w + (1 - momentum) * (x_0 - s / (cbrt(v) + epsilon))
    ```

    For sparse problems and for reconstruction, such as MRI; rates are those of neither SGD nor Adam, so sweep them.
    Decay is L2: any other would be undone, because the new weights are computed from those at the start. For the same
    reason the steps that follow undo what else changes the weights: a constraint, an assignment, `load_weights`. On
    embeddings take `momentum=0` without decay: a zero gradient moves nothing then, and `lazy=True` is exact. The
    authors' code moves weights at a learning rate of 0 as well.

    Args:
        learning_rate: weight of a gradient in the sums.
        momentum: share of the weights that each step keeps.
        epsilon: keeps the denominator away from 0, and is added to the learning rate.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import MADGRAD, simulate
    >>> simulate(MADGRAD(), 1.0, [0.1, -0.2, 0.3])
    array([0.99784547, 1.00015509, 0.9975596 ])
    """

    family = "adaptive"
    slots = {"s": 0.0, "v": 0.0, "x_0": lambda w: w}
    own_decay = True

    learning_rate: NonNegative = 0.01
    momentum: Fraction = 0.9
    epsilon: Positive = 1e-6

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        g = g + h.weight_decay * w
        a = where(equal(h.learning_rate, 0), 0.0, h.learning_rate + h.epsilon) * sqrt(h.t)
        s.s = s.s + a * g
        s.v = s.v + a * square(g)
        return w + (1 - h.momentum) * (s.x_0 - s.s / (cbrt(s.v) + h.epsilon) - w)  # keeps weights that stand still
