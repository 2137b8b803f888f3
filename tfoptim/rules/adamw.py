"""AdamW."""

from tfoptim.declaration import NonNegative
from tfoptim.rules.adam import Adam


class AdamW(Adam):
    """AdamW (Loshchilov & Hutter, 2019: Decoupled weight decay regularization, algorithm 2).

    ```
    w <- w - learning_rate * weight_decay * w
    then the step of Adam
    ```

    Decay is taken off the weights instead of being mixed into the gradient, where Adam would divide it by its own size.
    As in Keras, and unlike the paper, it is scaled by the whole learning rate. `exclude_from_weight_decay` spares
    biases and normalisation scales.

    Args:
        learning_rate: size of a step where the gradient is steady.
        weight_decay: share of the weights that a step of learning rate 1 would take off.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        amsgrad: let the denominator only grow.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdamW, simulate
    >>> simulate(AdamW(), 1.0, [0.1, -0.2, 0.3])
    array([0.99899603, 0.99935813, 0.9990109 ])
    """

    weight_decay: NonNegative = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  None would be Adam
