"""AdaBelief."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer
from tfoptim.rectification import Threshold, rectification


class AdaBelief(Optimizer):
    """AdaBelief (Zhuang et al., 2020: Adapting stepsizes by the belief in observed gradients, algorithm 2).

    ```
    m <- beta_1 * m + (1 - beta_1) * g
    s <- beta_2 * s + (1 - beta_2) * (g - m)^2 + epsilon                                   s_max as AMSGrad
    w <- w - learning_rate * m / (1 - beta_1^t) / (sqrt(s / (1 - beta_2^t)) + epsilon)     rectify: as RAdam
    ```

    Long steps where gradients agree with their mean. The defaults are TFA's; paper: `rectify=False, epsilon=1e-8`.

    Args:
        learning_rate: size of a step.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old variance that each step keeps.
        epsilon: added to s at each step, which layers with tiny gradients feel, and to its root.
        amsgrad: let the denominator only grow.
        rectify: scale steps as `RAdam` does.
        sma_threshold: rho from which steps are rectified, > 4.
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

    def once(self, h: Any, s: Any) -> None:
        h.r = rectification(h)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.s = s_max = h.beta_2 * s.s + (1 - h.beta_2) * square(g - s.m) + h.epsilon
        if self.amsgrad:
            s.s_max = s_max = maximum(s.s_max, s.s)
        m_hat = s.m / debias(h.beta_1, h.t)
        u = ratio(m_hat, sqrt(s_max / debias(h.beta_2, h.t)) + h.epsilon)
        return where(h.r > 0, h.r * u, m_hat) if self.rectify else u
