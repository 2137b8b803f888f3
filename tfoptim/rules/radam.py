"""RAdam."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.ops import debias, maximum, ratio, sqrt, square
from tfoptim.optimizer import Optimizer
from tfoptim.rules.rectification import Threshold, rectified


class RAdam(Optimizer):
    """RAdam (Liu et al., 2020: On the variance of the adaptive learning rate and beyond, algorithm 2).

    ```
    m, v, v_max as AMSGrad (otherwise v_max = v);   m_hat = m / (1 - beta_1^t)
    rho_inf = 2 / (1 - beta_2) - 1;   rho = rho_inf - 2 * t * beta_2^t / (1 - beta_2^t)
    rho >= sma_threshold:  r = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))
                           w <- w - learning_rate * r * m_hat / (sqrt(v_max / (1 - beta_2^t)) + epsilon)
    otherwise              w <- w - learning_rate * m_hat
    ```

    Adam that needs no warm-up: short steps until the second moment has seen enough; with a warm-up schedule, Adam does
    the same. Of any beta_2, the first rectified step is the sixth or later, and those before follow the mean of
    gradients, whose scale counts. For beta_2 of 2/3 or less it always does. The paper's threshold is 4 and has no
    epsilon; its code and all others have 5.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        epsilon: keeps the denominator away from 0.
        amsgrad: let the denominator only grow.
        sma_threshold: length of the average, in steps, from which the step is rectified.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import RAdam, simulate
    >>> simulate(RAdam(beta_2=0.9), 1.0, [0.1, -0.2, 0.3] * 2)[[0, 5]]
    array([0.9999    , 0.99970407])
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

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        s.v = v_max = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        if self.amsgrad:
            s.v_max = v_max = maximum(s.v_max, s.v)
        m_hat = s.m / debias(h.beta_1, h.t)
        return rectified(h, m_hat, ratio(m_hat, sqrt(v_max / debias(h.beta_2, h.t)) + h.epsilon))
