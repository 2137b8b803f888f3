"""SignSGD."""

from typing import Any

from tfoptim.declaration import NonNegative
from tfoptim.ops import sign
from tfoptim.optimizer import Optimizer


class SignSGD(Optimizer):
    """SignSGD (Bernstein et al., 2018: signSGD: Compressed optimisation for non-convex problems, algorithm 1).

    ```
    w <- w - learning_rate * sign(g)
    ```

    For comparisons, and for gradients of which one bit is sent; `Signum` averages the noise away first.

    Args:
        learning_rate: length of the step of each weight.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import SignSGD, simulate
    >>> simulate(SignSGD(), 1.0, [0.1, -0.2, 0.3])
    array([0.999, 1.   , 0.999])
    """

    family = "sign"
    skips_zero_gradients = True

    learning_rate: NonNegative = 0.001

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        return sign(g)
