"""AdaBound."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, Positive, Slot
from tfoptim.ops import clip, debias, maximum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class AdaBound(Optimizer):
    """AdaBound and AMSBound (Luo et al., 2019: Adaptive gradient methods with dynamic bound, algorithm 2).

    ```
    m, v (v_max) as Adam;   eta_0: the first rate above 0;    f = final_lr * learning_rate / eta_0
    step = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon)
    step <- clip(step, f * (1 - 1 / (gamma * t + 1)), f * (1 + 1 / (gamma * t)))
    w <- w - step * m
    ```

    Adam at first, momentum of rate `final_lr` in the end. For migration; AdamW with a schedule has superseded it. The
    form is that of the authors' code; their paper also divides by sqrt(t).

    Args:
        learning_rate: size of a step of Adam.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        final_lr: rate to which both bounds go.
        gamma: speed at which they do, > 0.
        epsilon: keeps the denominator away from 0.
        amsbound: let the denominator only grow.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdaBound, simulate
    >>> simulate(AdaBound(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.99936611, 0.99902287])
    """

    family = "adaptive"
    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    final_lr: NonNegative = 0.1
    gamma: Positive = 0.001
    epsilon: NonNegative = 1e-8
    amsbound: bool = False

    @property
    def slots(self) -> Any:
        return {"m": 0.0, "v": 0.0}, {"v_max": 0.0} if self.amsbound else {}, {"eta_0": Slot(shape=())}

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = v_max = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        if self.amsbound:
            s.v_max = v_max = maximum(s.v_max, s.v)
        s.eta_0 = where(s.eta_0 > 0, s.eta_0, h.learning_rate)
        f = ratio(h.final_lr * h.learning_rate, s.eta_0)
        rate = h.learning_rate * sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t)
        step = ratio(rate, sqrt(v_max) + h.epsilon)
        return w - clip(step, f * (1 - 1 / (h.gamma * h.t + 1)), f * (1 + 1 / (h.gamma * h.t))) * s.m
