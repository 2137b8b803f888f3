"""COCOB."""

from typing import Annotated, Any

from tfoptim.declaration import Interval, NonNegative, Number
from tfoptim.ops import absolute, maximum, ratio
from tfoptim.optimizer import Optimizer

Bound = Annotated[Number, Interval(1.0)]


class COCOB(Optimizer):
    """COCOB (Orabona & Tommasi, 2017: Training deep networks without learning rates through coin betting, algorithm 2).

    ```
    w_0 <- w;   L <- epsilon;   G, R, T <- 0
    g  = g + weight_decay * w
    L <- max(L, |g|)                                    largest gradient
    G <- G + |g|                                        sum of sizes
    R <- max(R - g * (w - w_0), 0)                      what the bets have won
    T <- T - g                                          sum of the outcomes
    w <- w_0 + T / (L * max(G + L, alpha * L)) * (L + R)
    ```

    No learning rate: each weight is a bet on the sign of its next gradient, of a share of what was won. A baseline
    without tuning; Adam with a tuned rate is better. The scale of gradients does not matter. As the new weights are
    computed from those at the start, decay is L2, and what else changes weights (a constraint, an assignment,
    `load_weights`) is undone by the next step. Memory is 5 copies of the weights.

    Args:
        alpha: steps in which bets grow to their full size, >= 1.
        epsilon: smallest size of a gradient that counts.
        **arguments: of every optimizer (weight_decay, clipnorm, use_ema, ...), see `tfoptim.Optimizer`.

    >>> from tfoptim import COCOB, simulate
    >>> simulate(COCOB(), 1.0, [0.1, -0.2, 0.3])
    array([0.99      , 1.005     , 0.99333333])
    """

    family = "free"
    slots = {"L": "epsilon", "G": 0.0, "R": 0.0, "T": 0.0, "w_0": lambda w: w}
    skips_zero_gradients = True
    own_weights = True
    without = ("learning_rate",)

    alpha: Bound = 100.0
    epsilon: NonNegative = 1e-8

    @property
    def own_decay(self) -> bool:
        groups = (self.given("groups") or {}).values()
        return self.given("weight_decay") is not None or any("weight_decay" in own for own in groups)

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        g = g + h.weight_decay * w if self.own_decay else g
        s.L = maximum(s.L, absolute(g))
        s.G = s.G + absolute(g)
        s.R = maximum(s.R - g * (w - s.w_0), 0.0)
        s.T = s.T - g
        return s.w_0 + ratio(s.T, s.L * maximum(s.G + s.L, h.alpha * s.L)) * (s.L + s.R)
