"""Estimate of the distance to the solution, from which Prodigy takes its rate."""

from __future__ import annotations

from typing import Annotated, Any

from tfoptim.declaration import Interval, Number, Positive
from tfoptim.linalg import total
from tfoptim.ops import absolute, debias, maximum, minimum, ratio, sqrt, where
from tfoptim.optimizer import Optimizer

Start = Annotated[Number, Interval(0.0, closed_low=False, schedulable=False)]
Growth = Annotated[Number, Interval(1.0, closed_low=False)]

TOLERANCE = 1e-6
"""Relative difference up to which d is d0 still: d is stored in float32."""


class Distance(Optimizer):
    """Base of Prodigy: d, a lower bound of the distance from the start to the solution, which never falls.

    A rule has slots `s`, the sum of gradients of the estimate, and `w_0`, the weights at the start, and numbers
    `beta_1`, `beta_2` and `beta_3`. In its step, `h.rate` is the rate with the former d, `h.d`; `h.new_d` is the next.
    As long as the sum `s` is 0, both are 0, and so are the slots.
    """

    family = "free"
    elementwise = False

    d0: Start = 1e-6
    d_coef: Positive = 1.0
    growth_rate: Growth | None = None
    use_bias_correction: bool = False
    safeguard_warmup: bool = False

    @property
    def shared(self) -> Any:
        """The estimate, its largest value, and the sum along which the gradients point."""
        start = self.given("d0")
        return {"d": start, "d_max": start, "a": 0.0}

    @property
    def d(self) -> float:
        """Present estimate of the distance; `d0` until the optimizer has taken a step."""
        known = self._runtime.shared.get("d")
        return float(self.given("d0") if known is None else known)

    def measure(self, h: Any, g: Any, w: Any, s: Any) -> dict[str, Any]:
        """Returns the parts of a variable in the two sums over all variables, of which the estimate is the ratio."""
        return {"along": self.rate(h) * total(g * (s.w_0 - w)), "size": total(absolute(self.summed(h, g, s)))}

    def once(self, h: Any, s: Any) -> None:
        """Moves the estimate; as long as all gradients, or all rates, have been 0, nothing moves."""
        moves = h.size > 0
        s.a = self.memory(h) * s.a + s.d / h.d0 * h.along
        e = h.d_coef * ratio(s.a, h.size)
        d = where(s.d <= h.d0 * (1 + TOLERANCE), maximum(s.d, e), s.d)
        s.d_max = maximum(s.d_max, e)
        d = s.d_max if h.growth_rate is None else minimum(s.d_max, h.growth_rate * d)
        h.rate, h.d = where(moves, self.rate(h), 0.0), where(moves, h.d, 0.0)
        h.new_d = s.d = where(moves, d, s.d)

    def rate(self, h: Any) -> Any:
        """Returns the rate of this step, with the former d."""
        corrected = sqrt(debias(h.beta_2, h.t)) / debias(h.beta_1, h.t) if self.use_bias_correction else 1.0
        return h.d * h.learning_rate * corrected

    def memory(self, h: Any) -> Any:
        """Returns the share of the old sums of the estimate that this step keeps."""
        return sqrt(h.beta_2) if h.beta_3 is None else h.beta_3

    def summed(self, h: Any, g: Any, s: Any) -> Any:
        """Returns the sum of gradients of the estimate, with this step's; a rate of 0 adds nothing."""
        weight = where(h.learning_rate > 0, h.d, 0.0) if self.safeguard_warmup else self.rate(h)
        return self.memory(h) * s.s + h.d / h.d0 * weight * g
