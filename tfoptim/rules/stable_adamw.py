"""StableAdamW."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, mean, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class StableAdamW(Optimizer):
    """StableAdamW (Wortsman et al., 2023: Stable and low-precision training, algorithm 2), AdamW with update clipping.

    ```
    m, v <- 0
    b_1 = beta_1 * (1 - beta_1^(t-1)) / (1 - beta_1^t), b_2 alike          averages that need no bias correction
    m <- b_1 * m + (1 - b_1) * g
    v <- b_2 * v + (1 - b_2) * g^2
    a  = learning_rate / max(1, sqrt(mean(g^2 / max(v, epsilon^2))))       mean over the variable
    w <- w - a * weight_decay * w
    w <- w - a * m / (sqrt(v) + epsilon)
    ```

    Against spikes of the loss, in low precision and with beta_2 of 0.99 or more: a gradient larger than v knows makes
    the step of its variable shorter. As long as none is, it is AdamW with the paper's epsilon. Decay is by the
    clipped rate too.

    Args:
        learning_rate: size of a step where the gradient is steady.
        weight_decay: share of the weights that a step of learning rate 1 would take off.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import StableAdamW, simulate
    >>> simulate(StableAdamW(), 1.0, [0.1, -0.2, 0.3])
    array([0.998996  , 0.99928231, 0.99903219])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0}
    elementwise = False
    own_decay = True
    decoupled = True

    learning_rate: NonNegative = 0.001
    weight_decay: NonNegative = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  None would be Adam
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.99
    epsilon: NonNegative = 1e-8

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        b_1, b_2 = (beta * debias(beta, h.t - 1) / debias(beta, h.t) for beta in (h.beta_1, h.beta_2))
        s.m = b_1 * s.m + (1 - b_1) * g
        s.v = b_2 * s.v + (1 - b_2) * square(g)
        a = h.learning_rate / maximum(sqrt(mean(ratio(square(g), maximum(s.v, square(h.epsilon))))), 1.0)
        w = w - a * h.weight_decay * w
        return w - a * ratio(s.m, sqrt(s.v) + h.epsilon)
