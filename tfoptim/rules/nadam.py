"""Nadam."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class Nadam(Optimizer):
    """Nadam (Dozat, 2016: Incorporating Nesterov momentum into Adam, algorithm 2).

    ```
    m, v <- 0;   P <- 1
    mu_t = beta_1 * (1 - 0.96^t / 2);   P <- P * mu_t
    m <- beta_1 * m + (1 - beta_1) * g
    v <- beta_2 * v + (1 - beta_2) * g^2
    m_hat = mu_{t+1} * m / (1 - P * mu_{t+1}) + (1 - mu_t) * g / (1 - P)
    w <- w - learning_rate * m_hat / (sqrt(v / (1 - beta_2^t)) + epsilon)
    ```

    Adam whose step looks ahead along the mean of gradients. As in Keras, the momentum warms up in some 100 steps;
    Dozat's 0.96^(t / 250) takes 250 times as long, and his learning rate is 0.002.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Nadam, simulate
    >>> simulate(Nadam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99893721, 0.99981888, 0.99898716])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7

    slots = {"m": 0.0, "v": 0.0}
    shared = {"P": 1.0}

    def once(self, h: Any, s: Any) -> None:
        h.mu, h.mu_next = (h.beta_1 * (1 - 0.5 * 0.96**t) for t in (h.t, h.t + 1))
        h.P = s.P = s.P * h.mu

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        m_hat = h.mu_next / (1 - h.P * h.mu_next) * s.m + (1 - h.mu) / (1 - h.P) * g
        return ratio(m_hat, sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
