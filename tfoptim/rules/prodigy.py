"""Prodigy."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative
from tfoptim.distance import Distance
from tfoptim.ops import ratio, sqrt, square


class Prodigy(Distance):
    """Prodigy (Mishchenko & Defazio, 2024: Prodigy, algorithm 4): Adam, with d in the place of a rate to be chosen.

    ```
    w_0 <- w;   d, d_max <- d0;   m, v, s, a <- 0;   b = beta_3, or sqrt(beta_2)    <,> and ||.||_1 over all variables
    rate = d * learning_rate * (sqrt(1 - beta_2^t) / (1 - beta_1^t), if use_bias_correction)
    a <- b * a + d / d0 * rate * <g, w_0 - w>
    s <- b * s + d / d0 * (d, if safeguard_warmup, else rate) * g
    m <- beta_1 * m + (1 - beta_1) * d * g;   v <- beta_2 * v + (1 - beta_2) * d^2 * g^2
    e  = d_coef * a / ||s||_1;   d <- max(d, e), if d = d0;   d_max <- max(d_max, e);   d <- min(d_max, growth_rate * d)
    w <- w - rate * weight_decay * w - rate * m / (sqrt(v) + d * epsilon)                  the rate is that of the old d
    ```

    Instead of a search for Adam's rate. `optimizer.d` is the estimate; for a smaller or larger one, `d_coef`. Use a
    cosine schedule from 1; with a warm-up, set `safeguard_warmup`. Decay is scaled by d. Memory is twice Adam's.

    Args:
        learning_rate: factor on the estimated rate; leave it at 1.
        beta_1: share of the old mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        beta_3: share of the old sums of the estimate that each step keeps; None: the root of beta_2.
        epsilon: keeps the denominator away from 0.
        d0: first estimate, far below the distance; with bfloat16 weights, which round short steps away, 1e-2.
        d_coef: factor on the estimate.
        growth_rate: largest factor by which d grows in a step; None: any.
        use_bias_correction: correct the means of the first steps, as Adam does.
        safeguard_warmup: sum gradients without the rate, so that a warm-up does not enlarge the estimate.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Prodigy, simulate
    >>> simulate(Prodigy(d0=0.01), 1.0, [0.1, -0.2, 0.3])
    array([0.96837732, 0.98393521, 0.96694398])
    """

    slots = {"m": 0.0, "v": 0.0, "s": 0.0, "w_0": lambda w: w}
    own_decay = True

    learning_rate: NonNegative = 1.0
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    beta_3: Fraction | None = None
    epsilon: NonNegative = 1e-8

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * h.d * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * h.d**2 * square(g)
        s.s = self.summed(h, g, s)
        return w - h.rate * (h.weight_decay * w + ratio(s.m, sqrt(s.v) + h.new_d * h.epsilon))
