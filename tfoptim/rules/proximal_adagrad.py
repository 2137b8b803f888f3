"""Proximal AdaGrad."""

from typing import Any

from tfoptim.declaration import NonNegative
from tfoptim.ops import absolute, maximum, ratio, sign, sqrt, square
from tfoptim.optimizer import Optimizer


class ProximalAdagrad(Optimizer):
    """AdaGrad with proximal steps (Duchi & Singer, 2009: Efficient learning using forward backward splitting, FOBOS).

    ```
    G <- initial_accumulator_value
    G <- G + g^2;   a = learning_rate / sqrt(G);   x = w - a * g
    w <- sign(x) * max(|x| - a * l1, 0) / (1 + a * l2)
    ```

    For sparse linear models: l1 makes weights exactly 0. `Ftrl` is the better-known road to them, and forgets the
    weights at the start. Without penalties it is `AdaGrad` with an epsilon of 0.

    Args:
        learning_rate: size of the first steps.
        initial_accumulator_value: start of G.
        l1_regularization_strength: threshold below which weights are 0.
        l2_regularization_strength: shrinks weights.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import ProximalAdagrad, simulate
    >>> simulate(ProximalAdagrad(), 1.0, [0.1, -0.2, 0.3])
    array([0.99969849, 1.00021489, 0.99960251])
    """

    family = "proximal"
    slots = {"G": "initial_accumulator_value"}

    learning_rate: NonNegative = 0.001
    initial_accumulator_value: NonNegative = 0.1
    l1_regularization_strength: NonNegative = 0.0
    l2_regularization_strength: NonNegative = 0.0

    @property
    def skips_zero_gradients(self) -> bool:
        numbers = self.numbers()
        return bool(numbers["l1_regularization_strength"] == numbers["l2_regularization_strength"] == 0)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.G = s.G + square(g)
        a = ratio(h.learning_rate, sqrt(s.G))
        x, l1, l2 = w - a * g, h.l1_regularization_strength, h.l2_regularization_strength
        return sign(x) * maximum(absolute(x) - a * l1, 0.0) / (1 + a * l2)
