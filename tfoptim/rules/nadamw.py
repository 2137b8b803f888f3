"""NAdamW."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class NAdamW(Optimizer):
    """Nadam (Dozat, 2016) with a constant momentum and decoupled decay: AlgoPerf's baseline (Dahl et al., 2023).

    ```
    m, v <- 0;   w <- w - learning_rate * weight_decay * w
    m <- beta_1 * m + (1 - beta_1) * g
    v <- beta_2 * v + (1 - beta_2) * g^2
    m_hat = beta_1 * m / (1 - beta_1^(t+1)) + (1 - beta_1) * g / (1 - beta_1^t)
    w <- w - learning_rate * m_hat / (sqrt(v / (1 - beta_2^t)) + epsilon)
    ```

    The strongest tuned baseline of its class. It is not `Nadam(weight_decay=...)`, whose momentum warms up. AlgoPerf's
    own code, and timm's, divide both parts of m_hat by 1 - beta_1^t.

    Args:
        learning_rate: size of a step where the gradient is steady.
        weight_decay: share of the weights that a step of learning rate 1 would take off.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import NAdamW, simulate
    >>> simulate(NAdamW(), 1.0, [0.1, -0.2, 0.3])
    array([0.99852232, 0.99941497, 0.99865524])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0}

    learning_rate: NonNegative = 0.001
    weight_decay: NonNegative = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  as in AdamW
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-8

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        m_hat = h.beta_1 / debias(h.beta_1, h.t + 1) * s.m + (1 - h.beta_1) / debias(h.beta_1, h.t) * g
        return ratio(m_hat, sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
