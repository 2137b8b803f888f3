"""Grafting: the direction of one rule with the length of another's step (Agarwal et al., 2020)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from tfoptim.declaration import Choice, NonNegative, keyword_only
from tfoptim.kronecker import Kronecker
from tfoptim.ops import debias, equal, norm, ratio, sqrt, square, where

Grafts = Annotated[Literal["adam", "rmsprop", "sgd"], Choice(("adam", "rmsprop", "sgd"))]


class Grafted(Kronecker):
    """Base of Shampoo, which has the fields beta_1 and beta_2: the rule whose length its steps have."""

    grafting: Grafts | None = keyword_only(default="adam")
    grafting_epsilon: NonNegative = keyword_only(default=1e-8)

    @property
    def moments(self) -> str:
        """Letters of the slots that the other rule needs, and of the mean of gradients."""
        return "mv" if self.grafting in ("adam", "rmsprop") else "m"

    def once(self, h: Any, s: Any) -> None:
        """Adds the share of the new in means of squares, and their weight; in sums, which beta_2 = 1 makes, both 1."""
        h.share, h.weight = (where(equal(h.beta_2, 1), 1.0, x) for x in (1 - h.beta_2, debias(h.beta_2, h.t)))

    def means(self, h: Any, g: Any, s: Any) -> tuple[Any, Any]:
        """Moves the means on; returns that of gradients, and the direction whose length a step is to have."""
        s.m = h.beta_1 * s.m + (1 - h.beta_1) * g
        m = s.m / debias(h.beta_1, h.t)
        if "v" not in s:
            return m, m
        s.v = h.beta_2 * s.v + h.share * square(g)
        return m, ratio(m, sqrt(s.v / h.weight if self.grafting == "adam" else s.v) + h.grafting_epsilon)

    def grafted(self, d: Any, a: Any) -> Any:
        """Returns a direction with the length of another, or with its own."""
        return d if self.grafting is None else d * (norm(a) / (norm(d) + 1e-16))
