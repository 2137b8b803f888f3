"""Gradient descent with momentum: the heavy ball and Nesterov's accelerated gradient."""

from typing import Any

from tfoptim.declaration import ClosedFraction, NonNegative
from tfoptim.optimizer import Optimizer


class Momentum(Optimizer):
    """Heavy ball (Polyak, 1964) and Nesterov's accelerated gradient (1983), as in Sutskever et al. (2013), section 2.

    ```
    v <- 0
    v <- momentum * v - learning_rate * g
    w <- w + v                                        heavy ball
    w <- w + momentum * v - learning_rate * g         Nesterov, in the one-point form of Bengio et al. (2012)
    ```

    Momentum averages the noise of mini-batches away and crosses flat valleys faster. With Nesterov the stored weights
    are the look-ahead point. `momentum=0` is plain `SGD` and keeps no slot.

    Args:
        learning_rate: size of the step along the gradient.
        momentum: share of the last displacement that is repeated.
        nesterov: take the gradient where the momentum leads.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Momentum, simulate
    >>> simulate(Momentum(), 1.0, [0.1, -0.2, 0.3])
    array([0.999  , 1.0001 , 0.99809])
    >>> simulate(Momentum(nesterov=True), 1.0, [0.1, -0.2, 0.3])
    array([0.9981  , 1.00109 , 0.996281])
    """

    family = "gradient"

    learning_rate: NonNegative = 0.01
    momentum: ClosedFraction = 0.9
    nesterov: bool = False

    @property
    def slots(self) -> dict[str, float]:
        return {} if self.numbers()["momentum"] == 0 else {"v": 0.0}

    @property
    def skips_zero_gradients(self) -> bool:
        return bool(self.numbers()["momentum"] == 0)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        if "v" not in s:
            return w - h.learning_rate * g
        s.v = h.momentum * s.v - h.learning_rate * g
        if self.nesterov:
            return w + h.momentum * s.v - h.learning_rate * g
        return w + s.v
