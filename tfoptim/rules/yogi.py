"""Yogi."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, ratio, sign, sqrt, square
from tfoptim.optimizer import Optimizer


class Yogi(Optimizer):
    """Yogi (Zaheer et al., 2018: Adaptive methods for nonconvex optimization, algorithm 2).

    ```
    m <- 0;   v <- initial_accumulator_value
    m <- beta_1 * m + (1 - beta_1) * g
    v <- v - (1 - beta_2) * sign(v - g^2) * g^2
    w <- w - learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)
    ```

    Adam whose v falls no faster than by g^2, so that the rate does not jump after large gradients. As in TensorFlow
    Addons, with a bias correction, which the paper lacks. Its large epsilon makes small gradients count less.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: 1 minus the share of g^2 by which v moves.
        epsilon: keeps the denominator away from 0.
        initial_accumulator_value: start of v.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Yogi, simulate
    >>> simulate(Yogi(), 1.0, [0.1, -0.2, 0.3])
    array([0.99267419, 0.99585359, 0.99269971])
    """

    family = "adaptive"
    slots = {"m": 0.0, "v": "initial_accumulator_value"}

    learning_rate: NonNegative = 0.01
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 0.001
    initial_accumulator_value: NonNegative = 1e-6

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = s.v - (1 - h.beta_2) * (sign(s.v - square(g)) * square(g))
        return ratio(sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t) * s.m, sqrt(s.v) + h.epsilon)
