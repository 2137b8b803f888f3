"""MARS."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, equal, maximum, norm, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class MARS(Optimizer):
    """MARS in the form of AdamW (Yuan et al., 2024: Unleashing the power of variance reduction, algorithm 2).

    ```
    m, v, g_old <- 0
    c  = g + gamma * beta_1 / (1 - beta_1) * (g - g_old), but g at t = 1;   c <- c / max(1, ||c||)
    c  = g          for vectors and scalars, unless optimize_1d
    m <- beta_1 * m + (1 - beta_1) * c;   v <- beta_2 * v + (1 - beta_2) * c^2
    w <- w - learning_rate * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon);   g_old <- g
    ```

    For language models, where AdamW is at its best, at the price of one more slot; not for tiny batches, whose
    `g - g_old` is noise. The paper's approximate form: g_old is the gradient of the last step, on its batch. At the
    first step nothing is corrected, as in the paper; the authors' code corrects against 0, and gives vectors betas of
    0.9 and 0.95: so can `groups`. The norm is that of one variable.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of corrected gradients that each step keeps.
        beta_2: share of their old mean of squares that each step keeps.
        gamma: strength of the correction.
        epsilon: keeps the denominator away from 0.
        optimize_1d: correct those of vectors and scalars too.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import MARS, simulate
    >>> simulate(MARS(optimize_1d=True), 1.0, [0.1, -0.2, 0.3])
    array([0.997     , 0.99850603, 0.99765512])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0, "g_old": 0.0}
    elementwise = False

    learning_rate: NonNegative = 0.003
    beta_1: Fraction = 0.95
    beta_2: Fraction = 0.99
    gamma: NonNegative = 0.025
    epsilon: NonNegative = 1e-8
    optimize_1d: bool = False

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        c = self._corrected(h, g, s) if self.optimize_1d or len(g.shape) > 1 else g
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * c
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(c)
        s.g_old = g
        return ratio(s.m / debias(h.beta_1, h.t), sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)

    def _corrected(self, h: Any, g: Any, s: Any) -> Any:
        c = g + where(equal(h.t, 1), 0.0, h.gamma * h.beta_1 / (1 - h.beta_1)) * (g - s.g_old)
        return c / maximum(norm(c), 1.0)
