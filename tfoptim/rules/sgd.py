"""Stochastic gradient descent."""

from tfoptim.declaration import ClosedFraction
from tfoptim.rules.momentum import Momentum


class SGD(Momentum):
    """Stochastic gradient descent (Robbins & Monro, 1951: A stochastic approximation method).

    ```
    w <- w - learning_rate * g,      g: gradient of the mean loss over one mini-batch
    ```

    A drop-in for `keras.optimizers.SGD`: with `momentum` it is the rule of `Momentum`, whose default is 0.9.

    Args:
        learning_rate: size of the step along the gradient.
        momentum: share of the last displacement that is repeated.
        nesterov: take the gradient where the momentum leads.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import SGD, simulate
    >>> simulate(SGD(), 1.0, [0.1, -0.2, 0.3])
    array([0.999, 1.001, 0.998])
    """

    momentum: ClosedFraction = 0.0
