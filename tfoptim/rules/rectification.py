"""Rectification of RAdam, which AdaBelief took over."""

from typing import Annotated, Any

from tfoptim.declaration.domains import Interval, Number
from tfoptim.ops import debias, maximum, power, sqrt, where

Threshold = Annotated[Number, Interval(4.0, closed_low=False)]  # where r is real


def rectified(h: Any, m_hat: Any, adapted: Any) -> Any:
    """Returns the direction of RAdam: adapted to the second moment once that has seen enough steps.

    ```
    rho_inf = 2 / (1 - beta_2) - 1;   rho = rho_inf - 2 * t * beta_2^t / (1 - beta_2^t)
    rho >= sma_threshold:  r * adapted,   r = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))
    otherwise              m_hat
    ```

    Args:
        h: hyperparameters, with `beta_2`, `sma_threshold` and the step `t`.
        m_hat: corrected mean of gradients.
        adapted: the same, divided by the root of the second moment.
    """
    end = 2 / (1 - h.beta_2) - 1
    rho = end - 2 * h.t * power(h.beta_2, h.t) / debias(h.beta_2, h.t)
    x, y = (maximum(value, h.sma_threshold) for value in (rho, end))  # both are computed: no root of what is negative
    r = sqrt((x - 4) * (x - 2) * y / ((y - 4) * (y - 2) * x))
    return where(rho >= h.sma_threshold, r * adapted, m_hat)
