"""AdaGrad."""

from typing import Any

from tfoptim.declaration import NonNegative
from tfoptim.ops import ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class AdaGrad(Optimizer):
    """AdaGrad (Duchi, Hazan & Singer, 2011: Adaptive subgradient methods, JMLR 12), diagonal form.

    ```
    G <- initial_accumulator_value
    G <- G + g^2
    w <- w - learning_rate * g / sqrt(G + epsilon)
    ```

    Rare features keep a large step, frequent ones slow down: good for sparse data and embeddings. The step only ever
    shrinks, which ends long trainings early. As in Keras, epsilon stands inside the root and G starts at 0.1; the paper
    starts at 0. Where gradients are small, G stays near 0.1, and this is SGD: start at 0 there.

    Args:
        learning_rate: size of the first steps; 1.0 matches the paper.
        initial_accumulator_value: start of the sum of squares.
        epsilon: keeps the root away from 0.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdaGrad, simulate
    >>> simulate(AdaGrad(), 1.0, [0.1, -0.2, 0.3])
    array([0.99969849, 1.00021489, 0.99960251])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    initial_accumulator_value: NonNegative = 0.1
    epsilon: NonNegative = 1e-7

    slots = {"G": "initial_accumulator_value"}
    skips_zero_gradients = True

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.G = s.G + square(g)
        return ratio(g, sqrt(s.G + h.epsilon))
