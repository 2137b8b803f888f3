"""AdaBelief."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, ratio, sqrt, square
from tfoptim.optimizer import Optimizer
from tfoptim.rules.rectification import Threshold, rectified


class AdaBelief(Optimizer):
    """AdaBelief (Zhuang et al., 2020: Adapting stepsizes by the belief in observed gradients, algorithm 2).

    ```
    m, s <- 0
    m <- beta_1 * m + (1 - beta_1) * g
    s <- beta_2 * s + (1 - beta_2) * (g - m)^2 + epsilon                    s_max as AMSGrad; otherwise s_max = s
    w <- w - learning_rate * m_hat / (sqrt(s_max / (1 - beta_2^t)) + epsilon),              m_hat = m / (1 - beta_1^t)
    rectify: the last line times r, or with m_hat alone, as in RAdam
    ```

    Adam that is bold where gradients agree with their mean. Take it to go on with a recipe that has it, or for GANs;
    not where gradients are tiny: epsilon adds up in s. `rectify=False` is the paper, the defaults TensorFlow Addons'.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared deviations that each step keeps.
        epsilon: keeps the deviation, and the denominator, away from 0.
        amsgrad: let the denominator only grow.
        rectify: shorten steps until s has seen enough, from the sixth step on or later; see `RAdam`.
        sma_threshold: length of the average, in steps, from which the step is rectified.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdaBelief, simulate
    >>> simulate(AdaBelief(rectify=False), 1.0, [0.1, -0.2, 0.3])
    array([0.99888889, 0.99927995, 0.99891251])
    """

    family = "adaptive"
    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-14
    amsgrad: bool = False
    rectify: bool = True
    sma_threshold: Threshold = 5.0

    @property
    def slots(self) -> Any:
        return {"m": 0.0, "s": 0.0}, {"s_max": 0.0} if self.amsgrad else {}

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.s = s_max = h.beta_2 * s.s + (1 - h.beta_2) * square(g - s.m) + h.epsilon
        if self.amsgrad:
            s.s_max = s_max = maximum(s.s_max, s.s)
        m_hat = s.m / debias(h.beta_1, h.t)
        adapted = ratio(m_hat, sqrt(s_max / debias(h.beta_2, h.t)) + h.epsilon)
        return rectified(h, m_hat, adapted) if self.rectify else adapted
