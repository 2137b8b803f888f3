"""RAdam."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer
from tfoptim.rectification import Threshold, rectification


class RAdam(Optimizer):
    """Rectified Adam (Liu et al., 2020: On the variance of the adaptive learning rate and beyond, algorithm 2).

    ```
    m, v as Adam (v_max as AMSGrad);   m_hat = m / (1 - beta_1^t);   v_hat = v / (1 - beta_2^t)
    rho_inf = 2 / (1 - beta_2) - 1;   rho = rho_inf - 2 * t * beta_2^t / (1 - beta_2^t)
    rho >= sma_threshold:  r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
                           w <- w - learning_rate * r * m_hat / (sqrt(v_hat) + epsilon)
    otherwise              w <- w - learning_rate * m_hat
    ```

    Adam without a warm-up; under a warm-up schedule it gains nothing. Step 6 is the first that is rectified. With
    beta_2 <= 2/3 none is: the rule is bias-corrected momentum for ever. The paper's threshold is 4.

    Args:
        learning_rate: size of a step where the gradient is steady, once the variance is tractable.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        amsgrad: let the denominator only grow.
        sma_threshold: rho from which steps are rectified, > 4.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import RAdam, simulate
    >>> simulate(RAdam(), 1.0, [0.1, -0.2, 0.3])
    array([0.9999    , 0.99995789, 0.99988372])
    """

    family = "adaptive"
    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: NonNegative = 1e-7
    amsgrad: bool = False
    sma_threshold: Threshold = 5.0

    @property
    def slots(self) -> Any:
        return {"m": 0.0, "v": 0.0}, {"v_max": 0.0} if self.amsgrad else {}

    def once(self, h: Any, s: Any) -> None:
        h.r = rectification(h)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = v_max = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        if self.amsgrad:
            s.v_max = v_max = maximum(s.v_max, s.v)
        m_hat = s.m / debias(h.beta_1, h.t)
        return where(h.r > 0, ratio(h.r * m_hat, sqrt(v_max / debias(h.beta_2, h.t)) + h.epsilon), m_hat)
