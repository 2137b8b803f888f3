"""Gradient descent."""

from typing import Any

from tfoptim.declaration import NonNegative
from tfoptim.optimizer import Optimizer


class GD(Optimizer):
    """Gradient descent (Cauchy, 1847: Méthode générale pour la résolution des systèmes d'équations simultanées).

    ```
    w <- w - learning_rate * g,      g: gradient of the mean loss over the whole training set
    ```

    The rule is that of `SGD` without momentum; what makes it GD is the gradient, which the caller takes over all
    examples at fixed weights. Use it where the whole gradient is affordable, or as the reference that the others are
    measured against. On a quadratic with largest curvature L it converges for learning rates below 2 / L.

    Args:
        learning_rate: size of the step along the gradient.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import GD, simulate
    >>> simulate(GD(), 1.0, [0.1, -0.2, 0.3])
    array([0.999, 1.001, 0.998])
    """

    family = "gradient"

    learning_rate: NonNegative = 0.01

    skips_zero_gradients = True

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        return g
