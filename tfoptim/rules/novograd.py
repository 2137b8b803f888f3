"""NovoGrad."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, Slot
from tfoptim.ops import equal, norm, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class NovoGrad(Optimizer):
    """NovoGrad (Ginsburg et al., 2019: Stochastic gradient methods with layer-wise adaptive moments, algorithm 1).

    ```
    m, v <- 0
    v <- ||g||^2 the first time (v = 0), then beta_2 * v + (1 - beta_2) * ||g||^2            one number a variable
    u  = g / (sqrt(v) + epsilon) + weight_decay * w
    m <- beta_1 * m + u                        grad_averaging: beta_1 * m + (1 - beta_1) * u, but u the first time
    w <- w - learning_rate * m
    ```

    Adam with the memory of Momentum: its second moment is one number a variable. It comes from speech recognition; take
    it to go on with a recipe that has it. The paper's betas are 0.95 and 0.98. The defaults are those of TensorFlow
    Addons: with 0.999, v stays near the first gradient's for a thousand steps. There m holds the learning rate, which
    differs under a schedule, and a variable whose first gradient comes late makes steps that are far too long.

    Args:
        learning_rate: size of a step; without averaging, steps grow to `1 / (1 - beta_1)` times as much.
        beta_1: share of the old sum, or mean, of normalised gradients that each step keeps.
        beta_2: share of the old mean of squared norms that each step keeps.
        epsilon: keeps the denominator away from 0.
        grad_averaging: keep a mean of the normalised gradients, not a sum.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import NovoGrad, simulate
    >>> simulate(NovoGrad(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 1.00009701, 0.99810068])
    """

    family = "layer-wise"
    slots = {"m": 0.0, "v": Slot(0.0, shape=())}
    elementwise = False
    own_decay = True

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7
    grad_averaging: bool = False

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        first = equal(s.v, 0.0)
        s.v = where(first, square(norm(g)), h.beta_2 * s.v + (1 - h.beta_2) * square(norm(g)))
        u = ratio(g, sqrt(s.v) + h.epsilon) + h.weight_decay * w
        averaged = where(first, u, h.beta_1 * s.m + (1 - h.beta_1) * u) if self.grad_averaging else None
        s.m = h.beta_1 * s.m + u if averaged is None else averaged
        return s.m
