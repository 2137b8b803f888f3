"""Adam and AMSGrad."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, ratio, sqrt, square
from tfoptim.optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, section 2, last paragraph) and AMSGrad (Reddi, Kale & Kumar, 2018, algorithm 2).

    ```
    m, v, v_max <- 0
    m <- beta_1 * m + (1 - beta_1) * g
    v <- beta_2 * v + (1 - beta_2) * g^2
    v_max <- max(v_max, v)                                  AMSGrad; otherwise v_max = v
    w <- w - learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v_max) + epsilon)
    ```

    A good first choice: steps of about the learning rate whatever the gradient's scale. As in Keras, epsilon stands
    beside the uncorrected root (the paper's "epsilon hat"), and AMSGrad keeps the bias correction.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        amsgrad: let the denominator only grow.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Adam, simulate
    >>> simulate(Adam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99900003, 0.99936613, 0.99902289])
    """

    family = "adaptive"

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7
    amsgrad: bool = False

    @property
    def slots(self) -> Any:
        return {"m": 0.0, "v": 0.0}, {"v_max": 0.0} if self.amsgrad else {}

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = v_max = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        if self.amsgrad:
            s.v_max = v_max = maximum(s.v_max, s.v)
        return ratio(sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t) * s.m, sqrt(v_max) + h.epsilon)
