"""Rectification of Adam's learning rate, shared by RAdam and AdaBelief (Liu et al., 2020, equation 5)."""

from __future__ import annotations

from typing import Annotated, Any

from tfoptim.declaration import Interval, Number
from tfoptim.ops import debias, maximum, sqrt, where

Threshold = Annotated[Number, Interval(4.0, closed_low=False)]


def rectification(h: Any) -> Any:
    """Returns r of this step, by which the step is multiplied; 0 while the variance is not tractable.

    ```
    rho_inf = 2 / (1 - beta_2) - 1;   rho = rho_inf - 2 * t * beta_2^t / (1 - beta_2^t)
    r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho)),   0 for rho < sma_threshold
    ```

    Args:
        h: hyperparameters with `beta_2`, `sma_threshold` (> 4, so that the root is real) and `t`.
    """
    rho_inf = 2 / (1 - h.beta_2) - 1
    rho = rho_inf - 2 * h.t * h.beta_2**h.t / debias(h.beta_2, h.t)
    # Both sides of `where` are computed, so both must have a root.
    a, b = maximum(rho, h.sma_threshold), maximum(rho_inf, h.sma_threshold)
    return where(rho >= h.sma_threshold, sqrt((a - 4) * (a - 2) * b / ((b - 4) * (b - 2) * a)), 0.0)
