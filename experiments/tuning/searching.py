"""A search from its first point to its last: the trials, the best of them, and what follows when it lies at an edge."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from experiments.tuning.sequence import BASES, halton
from experiments.tuning.spaces import Axis, LogUniform

WIDENINGS = 2


@dataclasses.dataclass(frozen=True)
class Trial:
    """One point of a search: its number from 0, its place on each axis in [0, 1), and its values by name."""

    index: int
    units: tuple[float, ...]
    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Search:
    """A complete search of one optimizer's space on one problem.

    Attributes:
        problem: name of the problem; with the round, it decides the scramble.
        round: number of the search, from 0.
        space: the axes, the learning rate first.
        trials: points tried.
        widenings: how often the space was widened before it became this one.
    """

    problem: str
    round: int
    space: tuple[Axis, ...]
    trials: int
    widenings: int = 0

    def __post_init__(self) -> None:
        """Refuses a search that tries nothing."""
        _whole("trials", self.trials, 1)
        _whole("round", self.round, 0)
        names = [axis.name for axis in self.space]
        if not 1 <= len(names) <= len(BASES) or len(set(names)) < len(names):
            raise ValueError(f"space must have 1 to {len(BASES)} axes, each of another name, got {names}.")

    @functools.cached_property
    def points(self) -> tuple[Trial, ...]:
        """The trials, in order."""
        return tuple(self._point(index) for index in range(self.trials))

    def sides(self, best: int) -> tuple[int, ...]:
        """Returns for each axis -1 or 1 when the best trial lies at the lower or upper edge of a scale, else 0.

        Raises:
            ValueError: there is no trial of that index.
        """
        if best not in range(self.trials):
            raise ValueError(f"best must be the index of a trial, 0 to {self.trials - 1}, got {best!r}.")
        units = self.points[best].units
        return tuple(
            axis.side(unit) if isinstance(axis, LogUniform) else 0 for axis, unit in zip(self.space, units, strict=True)
        )

    def widened(self, best: int) -> Search | None:
        """Returns the search that has to follow when the best trial lies at an edge, or None when all is settled."""
        sides = self.sides(best)
        if self.widenings == WIDENINGS or not any(sides):
            return None
        axes = tuple(
            axis.widened(side) if side and isinstance(axis, LogUniform) else axis
            for axis, side in zip(self.space, sides, strict=True)
        )
        return dataclasses.replace(self, space=axes, widenings=self.widenings + 1)

    def _point(self, index: int) -> Trial:
        units = tuple(halton(self.problem, self.round, axis, index) for axis in range(len(self.space)))
        return Trial(index, units, {a.name: a.value(unit) for a, unit in zip(self.space, units, strict=True)})


def unequal(searches: Mapping[str, Search]) -> list[str]:
    """Returns what makes the searches of some optimizers on one problem unequal, a sentence each (rules B5, B6).

    Args:
        searches: by the optimizer's label, as they begin: what widening adds follows from the rule.

    Raises:
        ValueError: one of them was widened.
    """
    labels, faults = list(searches), []
    for label in labels:
        if searches[label].widenings:
            raise ValueError(f"searches must be those before any widening, got {label} after a widening.")
    for label in labels[1:]:
        for what, of in _EQUAL.items():
            one, two = of(searches[labels[0]]), of(searches[label])
            if one != two:
                faults.append(f"{labels[0]} and {label} must have the same {what}, got {one!r} and {two!r}.")
    return faults


def _decades(search: Search) -> float | None:
    """Returns the width of the learning rate's range, or None where the optimizer has none to tune."""
    for axis in search.space:
        if axis.name == "learning_rate" and isinstance(axis, LogUniform):
            return round(math.log10(axis.high / axis.low), 3)
    return None


_EQUAL: Mapping[str, Callable[[Search], Any]] = {
    "problem": lambda search: search.problem,
    "round": lambda search: search.round,
    "number of trials": lambda search: search.trials,
    "decades of learning rate": _decades,
}


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}.")
