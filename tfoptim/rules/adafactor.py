"""Adafactor."""

from typing import Annotated, Any

from tfoptim.declaration import Fraction, Interval, NonNegative, Number, Positive, keyword_only
from tfoptim.factored import FACTORS, Factored, root
from tfoptim.ops import maximum, minimum, power, ratio, rms, sqrt, square


class Adafactor(Factored):
    """Adafactor (Shazeer & Stern, 2018: Adaptive learning rates with sublinear memory cost, algorithms 4 and 6).

    ```
    r, c, v <- 0;   b = 1 - t^beta_2_decay;   q = g^2 + epsilon_1
    r <- b * r + (1 - b) * mean(q, last axis);   c <- b * c + (1 - b) * mean(q, last axis but one)
    v  = r c^T / mean(r), or where there is no matrix:   v <- b * v + (1 - b) * q
    u  = g / sqrt(v);   u <- u / max(1, rms(u) / clip_threshold)
    w <- w - max(epsilon_2, rms(w)) * min(learning_rate, 1 / sqrt(t)) * u
    ```

    For models whose state must be small: r + c numbers for an r x c matrix, where Adam keeps 2 r c. Steps are shares
    of a variable's size. `relative_step=False` takes the rate as it is; in Keras that changes nothing.

    Args:
        learning_rate: share of its size by which a variable moves.
        beta_2_decay: power of the step by which the mean of squares forgets more slowly, <= 0.
        epsilon_1: added to squared gradients.
        epsilon_2: smallest size that a variable is taken to have; None: steps do not depend on its size.
        clip_threshold: largest root mean square of u.
        relative_step: limit the rate to 1 / sqrt(t).
        beta_1: share of the old mean of u that each step keeps, a copy of the weights in size; None: no mean.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Adafactor, simulate
    >>> simulate(Adafactor(), 1.0, [0.1, -0.2, 0.3])
    array([0.999   , 0.999999, 0.998999])
    """

    family = "matrix"

    learning_rate: NonNegative = 0.001
    beta_2_decay: Annotated[Number, Interval(-float("inf"), 0.0, closed_low=False, closed_high=True)] = -0.8
    epsilon_1: NonNegative = 1e-30
    epsilon_2: NonNegative | None = 1e-3
    clip_threshold: Positive = 1.0
    relative_step: bool = True
    beta_1: Fraction | None = keyword_only(default=None)

    @property
    def slots(self) -> Any:
        return FACTORS, {} if self.beta_1 is None else {"m": 0.0}

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        u = ratio(g, root(1 - power(h.t, h.beta_2_decay), square(g) + h.epsilon_1, s))
        u = u / maximum(1.0, rms(u) / h.clip_threshold)
        if self.beta_1 is not None:
            s.m = u = h.beta_1 * s.m + (1 - h.beta_1) * u
        share = ratio(minimum(h.learning_rate, 1 / sqrt(h.t)), h.learning_rate) if self.relative_step else 1.0
        return share * (1.0 if h.epsilon_2 is None else maximum(h.epsilon_2, rms(w))) * u
