"""AdaBound and AMSBound."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, Positive
from tfoptim.ops import clip, debias, equal, maximum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class AdaBound(Optimizer):
    """AdaBound and AMSBound (Luo et al., 2019: Adaptive gradient methods with dynamic bound, algorithms 2 and 3).

    ```
    m, v, v_max as Adam (AMSGrad with amsbound; otherwise v_max = v);   first_rate: the first that is not 0
    f = final_lr * learning_rate / first_rate
    a = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v_max) + epsilon)
    w <- w - clip(a, f * (1 - 1 / (gamma * t + 1)), f * (1 + 1 / (gamma * t))) * m
    ```

    Adam at the start, momentum of rate final_lr at the end. As the authors' code; the paper also divides by sqrt(t).

    Args:
        learning_rate: size of a step at the start, where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        final_lr: rate to which that of every weight goes, times what a schedule makes of the first learning rate.
        gamma: how fast: after `1 / gamma` steps, the bounds are half and twice that rate.
        epsilon: keeps the denominator away from 0.
        amsbound: let the denominator only grow.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdaBound, simulate
    >>> simulate(AdaBound(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.99936611, 0.99902287])
    """

    family = "adaptive"
    shared = {"first_rate": 0.0}
    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    final_lr: NonNegative = 0.1
    gamma: Positive = 0.001
    epsilon: NonNegative = 1e-8
    amsbound: bool = False

    @property
    def slots(self) -> Any:
        return {"m": 0.0, "v": 0.0}, {"v_max": 0.0} if self.amsbound else {}

    def once(self, h: Any, s: Any) -> None:
        s.first_rate = where(equal(s.first_rate, 0.0), h.base_rate, s.first_rate)
        h.f = h.final_lr * ratio(h.base_rate, s.first_rate)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = v_max = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        if self.amsbound:
            s.v_max = v_max = maximum(s.v_max, s.v)
        a = ratio(h.learning_rate * sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t), sqrt(v_max) + h.epsilon)
        return w - clip(a, h.f * (1 - 1 / (h.gamma * h.t + 1)), h.f * (1 + 1 / (h.gamma * h.t))) * s.m
