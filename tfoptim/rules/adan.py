"""Adan."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, equal, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class Adan(Optimizer):
    """Adan (Xie et al., 2022: Adaptive Nesterov momentum algorithm, algorithm 1).

    ```
    m, d, n, g_old <- 0
    y  = g - g_old, 0 at t = 1
    m <- beta_1 * m + (1 - beta_1) * g
    d <- beta_2 * d + (1 - beta_2) * y
    n <- beta_3 * n + (1 - beta_3) * (g + beta_2 * y)^2
    u  = (m / (1 - beta_1^t) + beta_2 * d / (1 - beta_2^t)) / (sqrt(n / (1 - beta_3^t)) + epsilon)
    w <- w - learning_rate * u;   g_old <- g
    ```

    For vision transformers and convolutional nets from scratch, in fewer epochs; four slots are its price. Betas are
    shares that are kept, as in the authors' code; the paper's letters are 1 minus these. The authors clip by the norm
    of all gradients (`global_clipnorm=1.0`), and decay proximally; here decay is that of every optimizer.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of differences that each step keeps; also their weight.
        beta_3: share of the old mean of squares that each step keeps.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Adan, simulate
    >>> simulate(Adan(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.99956645, 0.99929381])
    """

    family = "adaptive"
    slots = {"m": 0.0, "d": 0.0, "n": 0.0, "g_old": 0.0}

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.98
    beta_2: Fraction = 0.92
    beta_3: Fraction = 0.99
    epsilon: NonNegative = 1e-8

    def once(self, h: Any, s: Any) -> None:
        h.later = where(equal(h.t, 1), 0.0, 1.0)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        y = h.later * (g - s.g_old)
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.d = h.beta_2 * s.d + (1 - h.beta_2) * y
        s.n = h.beta_3 * s.n + (1 - h.beta_3) * square(g + h.beta_2 * y)
        s.g_old = g
        ahead = s.m / debias(h.beta_1, h.t) + h.beta_2 / debias(h.beta_2, h.t) * s.d
        return ratio(ahead, sqrt(s.n / debias(h.beta_3, h.t)) + h.epsilon)
