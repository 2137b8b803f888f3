"""SGDW."""

from tfoptim.declaration import NonNegative
from tfoptim.rules.sgd import SGD


class SGDW(SGD):
    """SGD with decoupled weight decay (Loshchilov & Hutter, 2019: Decoupled weight decay regularization, algorithm 1).

    ```
    w <- w - learning_rate * weight_decay * w
    then the step of SGD
    ```

    SGD with a default for the decay, as AdamW is to Adam. TensorFlow Addons and the paper do not multiply the decay by
    the learning rate: theirs, divided by it, is this one.

    Args:
        learning_rate: size of the step along the gradient.
        weight_decay: share of the weights that a step of learning rate 1 would take off.
        momentum: share of the last displacement that is repeated.
        nesterov: take the gradient where the momentum leads.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import SGDW, simulate
    >>> simulate(SGDW(), 1.0, [0.1, -0.2, 0.3])
    array([0.99896   , 1.00092004, 0.99788   ])
    """

    weight_decay: NonNegative = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  None would be SGD
