"""Shampoo."""

from typing import Any

from tfoptim.declaration import ClosedFraction, Count, Fraction, NonNegative, Positive, Steps, keyword_only
from tfoptim.grafting import Grafted
from tfoptim.kronecker import factors, inverse_roots, moved_on, replace, turned
from tfoptim.ops import due, when, where


class Shampoo(Grafted):
    """Shampoo (Gupta, Koren & Singer, 2018) with means and grafted lengths (Anil et al., 2020; Shi et al., 2023).

    ```
    m, v, L, R <- 0;   P, S <- I;   of other axes than two, factors like L and R of each
    L <- beta_2 * L + (1 - beta_2) * g g^T;   R <- beta_2 * R + (1 - beta_2) * g^T g;   v alike with g^2
    t = start_step = precondition_frequency, unless given, and each multiple of precondition_frequency after it:
         P <- (L / (1 - beta_2^t) + epsilon * I)^(-exponent);   S alike;   exponent = 1 / (2 * number of axes)
    m <- beta_1 * m + (1 - beta_1) * g;   a = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + grafting_epsilon)
    d  = P m S;   d <- d * |a| / |d|;   before start_step:   d = a;   w <- w - learning_rate * d
    ```

    Adam's lengths in better directions. Eigenvalues are computed on the CPU, where `jit_compile=True` makes minutes of
    seconds; for large models take a frequency of 100. With beta_2 = 1, sums replace means, as in the paper of 2018.

    Args:
        learning_rate: size of a step, as for Adam.
        epsilon, relative_epsilon: added to eigenvalues, as a share of the largest unless relative_epsilon is False.
        max_precondition_dim: longest axis that has a factor.
        grafting: length of d: "adam", "rmsprop" (v uncorrected), "sgd" (a = m / (1 - beta_1^t)), None (its own).
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import Shampoo, simulate
    >>> simulate(Shampoo(), 1.0, [0.1, -0.2, 0.3])
    array([0.999     , 0.9993661 , 0.99902286])
    """

    learning_rate: NonNegative = 0.001
    beta_1: Fraction = 0.9
    beta_2: ClosedFraction = 0.999
    epsilon: NonNegative = 1e-8
    precondition_frequency: Steps = 10
    max_precondition_dim: Count = 1024
    relative_epsilon: bool = keyword_only(default=True)
    start_step: Steps | None = keyword_only(default=None)
    exponent: Positive | None = keyword_only(default=None)

    @property
    def slots(self) -> Any:
        return self.state(self.moments, "L", "P", self.max_precondition_dim, fewest=1)

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        start, power = self.start_step or self.precondition_frequency, h.exponent or 0.5 / max(len(w.shape), 1)
        L, P = factors(s, "LP")
        L = moved_on(L, g, h.beta_2, h.share)
        now = due(h.t, self.precondition_frequency, start)
        P = when(now, lambda: inverse_roots(L, h.weight, power, h.epsilon, self.relative_epsilon, P), lambda: P)
        replace(s, L=L, P=P)
        m, a = self.means(h, g, s)
        return where(h.t < start, a, self.grafted(turned(m, P), a))
