"""QHAdam."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Fraction, NonNegative
from tfoptim.ops import debias, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class QHAdam(Optimizer):
    """Quasi-hyperbolic Adam (Ma & Yarats, 2019: Quasi-hyperbolic momentum and Adam, algorithm 2).

    ```
    m, v as Adam;   m_hat = m / (1 - beta_1^t);   v_hat = v / (1 - beta_2^t)
    w <- w - learning_rate * ((1 - nu_1) * g + nu_1 * m_hat) / (sqrt((1 - nu_2) * g^2 + nu_2 * v_hat) + epsilon)
    ```

    Adam that mixes the gradient of the step with its mean: a long memory (beta_1 near 1) whose weight stays small. With
    both nu 1 it is Adam with the paper's epsilon.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        nu_1: weight of the mean of gradients against the gradient.
        nu_2: weight of the mean of squares against the square.
        epsilon: keeps the denominator away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import QHAdam, simulate
    >>> simulate(QHAdam(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.99960241, 0.99896886])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": 0.0}

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.995
    beta_2: Fraction = 0.999
    nu_1: ClosedFraction = 0.7
    nu_2: ClosedFraction = 1.0
    epsilon: NonNegative = 1e-8

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        mean = (1 - h.nu_1) * g + h.nu_1 / debias(h.beta_1, h.t) * s.m
        squares = (1 - h.nu_2) * square(g) + h.nu_2 / debias(h.beta_2, h.t) * s.v
        return ratio(mean, sqrt(squares) + h.epsilon)
