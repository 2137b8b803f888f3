"""Signum."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import sign
from tfoptim.optimizer import Optimizer


class Signum(Optimizer):
    """Signum (Bernstein et al., 2018: signSGD: Compressed optimisation for non-convex problems, algorithm 2).

    ```
    m <- momentum * m + (1 - momentum) * g,      m = 0 at the start
    w <- w - learning_rate * sign(m)
    ```

    Lion with both betas the same: one slot, steps of one length. For large batches.

    Args:
        learning_rate: length of the step of each weight.
        momentum: share of the old mean of gradients that each step keeps.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Signum, simulate
    >>> simulate(Signum(), 1.0, [0.1, -0.2, 0.3])
    array([0.999, 1.   , 0.999])
    """

    family = "sign"
    slots = {"m": 0.0}

    learning_rate: NonNegative = 0.001
    momentum: Fraction = 0.9

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.momentum * s.m + (1 - h.momentum) * g
        return sign(s.m)
