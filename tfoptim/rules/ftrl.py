"""FTRL-Proximal."""

from typing import Annotated, Any

from tfoptim.declaration import Interval, NonNegative, Number
from tfoptim.ops import clip, ratio, square, where
from tfoptim.optimizer import Optimizer


class Ftrl(Optimizer):
    """FTRL-Proximal (McMahan et al., 2013: Ad click prediction, algorithm 1), with TensorFlow's shrinkage.

    ```
    n <- initial_accumulator_value;   z <- 0;   p = -learning_rate_power
    n' = n + g^2
    z <- z + g + 2 * shrinkage * w - (n'^p - n^p) / learning_rate * w;   n <- n'
    w <- (clip(z, -l1, l1) - z) / (n^p / learning_rate + 2 * l2 + beta / learning_rate)
    ```

    For wide, sparse linear models: l1 makes weights exactly 0. Not for deep nets: the weights become a function of z
    and n alone, so those at the start are forgotten, and an element whose first gradient is 0 becomes 0. All rows of an
    embedding step, as in Keras; with `lazy=True` touched ones do. Keep the rate constant: decay draws weights to 0.

    Args:
        learning_rate: scale of the steps.
        learning_rate_power: how the rate falls with the sum of squares, <= 0; 0 keeps it.
        initial_accumulator_value: start of n.
        l1_regularization_strength: threshold below which weights are 0.
        l2_regularization_strength: stabilizing penalty.
        l2_shrinkage_regularization_strength: penalty on the size of the weights.
        beta: added to the denominator, over the learning rate.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Ftrl, simulate
    >>> simulate(Ftrl(0.1), 1.0, [0.1, -0.2, 0.3])
    array([0.01638628, 0.06802605, 0.00678881])
    """

    family = "proximal"
    slots = {"n": "initial_accumulator_value", "z": 0.0}
    constant_rate = True

    learning_rate: NonNegative = 0.001
    learning_rate_power: Annotated[Number, Interval(-float("inf"), 0.0, closed_low=False, closed_high=True)] = -0.5
    initial_accumulator_value: NonNegative = 0.1
    l1_regularization_strength: NonNegative = 0.0
    l2_regularization_strength: NonNegative = 0.0
    l2_shrinkage_regularization_strength: NonNegative = 0.0
    beta: NonNegative = 0.0

    def once(self, h: Any, s: Any) -> None:
        h.rate = where(h.learning_rate > 0, h.learning_rate, 1.0)  # a rate of 0 moves nothing

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        p, l1, n = -h.learning_rate_power, h.l1_regularization_strength, s.n
        s.n = n + square(g)
        z = s.z + g + 2 * h.l2_shrinkage_regularization_strength * w - (s.n**p - n**p) / h.rate * w
        s.z = where(h.learning_rate > 0, z, s.z)
        curvature = (s.n**p + h.beta) / h.rate + 2 * h.l2_regularization_strength
        return where(h.learning_rate > 0, ratio(clip(z, -l1, l1) - z, curvature), w)
