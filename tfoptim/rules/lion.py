"""Lion."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import sign
from tfoptim.optimizer import Optimizer


class Lion(Optimizer):
    """Lion (Chen et al., 2023: Symbolic discovery of optimization algorithms, algorithm 2).

    ```
    m <- 0
    u  = sign(beta_1 * m + (1 - beta_1) * g)
    m <- beta_2 * m + (1 - beta_2) * g
    w <- w - learning_rate * u
    ```

    One slot, and steps of one length: for little memory and large batches. Not for small batches, and not at AdamW's
    numbers: its learning rate is 3 to 10 times smaller, its weight decay as much larger.

    Args:
        learning_rate: length of the step of each weight.
        beta_1: share of the old mean in the direction; 0 is `SignSGD`.
        beta_2: share of the old mean of gradients that each step keeps.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Lion, simulate
    >>> simulate(Lion(), 1.0, [0.1, -0.2, 0.3])
    array([0.999, 1.   , 0.999])
    """

    family = "sign"
    slots = {"m": 0.0}

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.99

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        u = sign(h.beta_1 * s.m + (1 - h.beta_1) * g)
        s.m = h.beta_2 * s.m + (1 - h.beta_2) * g
        return u
