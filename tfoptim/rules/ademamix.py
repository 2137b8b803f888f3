"""AdEMAMix."""

from typing import Any

from tfoptim.declaration import Fraction, NonNegative, Steps
from tfoptim.ops import debias, exp, log, minimum, ratio, sqrt, square, where
from tfoptim.optimizer import Optimizer


class AdEMAMix(Optimizer):
    """AdEMAMix (Pagliardini, Ablin & Grangier, 2024: Better, faster, older, algorithm 1).

    ```
    a, b = alpha, beta_3;    with warmup, while x = t / warmup < 1:
        a = x * alpha;   b = exp(ln beta_1 * ln beta_3 / ((1 - x) * ln beta_3 + x * ln beta_1)), at most beta_3
    m1 <- beta_1 * m1 + (1 - beta_1) * g
    m2 <- b * m2 + (1 - b) * g                                              not bias-corrected
    v <- beta_2 * v + (1 - beta_2) * g^2
    w <- w - learning_rate * (m1 / (1 - beta_1^t) + a * m2) / (sqrt(v / (1 - beta_2^t)) + epsilon)
    ```

    For large models and 100,000 steps or more. The paper warms up over the whole training; else it can diverge early.

    Args:
        learning_rate: size of a step where the gradient is steady.
        beta_1: share of the old fast mean of gradients that each step keeps.
        beta_2: share of the old mean of squared gradients that each step keeps.
        beta_3: share of the old slow mean of gradients that each step keeps.
        alpha: weight of the slow mean.
        epsilon: keeps the denominator away from 0.
        warmup: steps over which alpha and beta_3 rise; None: at once.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import AdEMAMix, simulate
    >>> simulate(AdEMAMix(), 1.0, [0.1, -0.2, 0.3])
    array([0.9989995 , 0.99936592, 0.99902222])
    """

    family = "adaptive"
    slots = {"m1": 0.0, "m2": 0.0, "v": 0.0}
    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    beta_3: Fraction = 0.9999
    alpha: NonNegative = 5.0
    epsilon: NonNegative = 1e-8
    warmup: Steps | None = None

    def once(self, h: Any, s: Any) -> None:
        h.a, h.b = h.alpha, h.beta_3
        if self.warmup is not None:
            x, fast, slow = minimum(h.t / self.warmup, 1.0), log(h.beta_1), log(h.beta_3)
            h.a = x * h.alpha
            h.b = where(x < 1, minimum(exp(fast * slow / ((1 - x) * slow + x * fast)), h.beta_3), h.beta_3)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        s.m1 = h.beta_1 * s.m1 + (1 - h.beta_1) * g
        s.m2 = h.b * s.m2 + (1 - h.b) * g
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(g)
        return ratio(s.m1 / debias(h.beta_1, h.t) + h.a * s.m2, sqrt(s.v / debias(h.beta_2, h.t)) + h.epsilon)
