"""RMSprop."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Fraction, NonNegative
from tfoptim.ops import maximum, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012: lecture 6e; centered: Graves, 2013: Generating sequences, equations 38 to 45).

    ```
    v, a, b <- 0
    v <- rho * v + (1 - rho) * g^2
    a <- rho * a + (1 - rho) * g                            centered
    u = learning_rate * g / sqrt(v - a^2 + epsilon)         a = 0 unless centered
    b <- momentum * b + u                                   b = u without momentum
    w <- w - b
    ```

    AdaGrad with a memory that fades, for recurrent networks and other losses that keep changing. No bias correction:
    the first step is 3.16 learning rates long. A variance that rounding makes negative counts as 0; Keras's is NaN.

    Args:
        learning_rate: size of a step where the gradient is steady.
        rho: share of the old averages that each step keeps.
        momentum: share of the last displacement that is repeated.
        epsilon: keeps the root, in which it stands, away from 0.
        centered: subtract the squared mean of the gradient.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import RMSprop, simulate
    >>> simulate(RMSprop(), 1.0, [0.1, -0.2, 0.3])
    array([0.99683788, 0.99969499, 0.99710437])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    rho: Fraction = 0.9
    momentum: ClosedFraction = 0.0
    epsilon: NonNegative = 1e-7
    centered: bool = False

    @property
    def slots(self) -> Any:
        moves = self.numbers()["momentum"] != 0
        return {"v": 0.0}, {"b": 0.0} if moves else {}, {"a": 0.0} if self.centered else {}

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.v = variance = h.rho * s.v + (1 - h.rho) * square(g)
        if self.centered:
            s.a = h.rho * s.a + (1 - h.rho) * g
            variance = maximum(variance - square(s.a), 0.0)  # rounding may leave less than nothing of it
        u = ratio(h.learning_rate * g, sqrt(variance + h.epsilon))
        if "b" not in s:
            return w - u
        s.b = h.momentum * s.b + u
        return w - s.b
