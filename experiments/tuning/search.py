"""A search: which points are tried of an optimizer, and what follows when the best of them lies at an edge (B5 to B7).

    >>> first = Search("mnist_mlp", 0, space(1e-3, ["beta_1", "epsilon"], trials=20), trials=20)
    >>> first.points[0].values
    {'learning_rate': 0.00166316, 'beta_1': 0.96772}
    >>> first.widened(best=0) is None
    True

Points are scrambled Halton points: evenly spread, as many for every optimizer, each a pure function of (problem, round,
axis, index). A point needs no other one, so that runs need no coordination; and its place on an axis depends neither on
the optimizer nor on the number of axes, so that all optimizers try the same rates relative to their documented
defaults. Each digit of the index is permuted by itself (Owen, "A randomized Halton algorithm in R", 2017), as SciPy
does; but the permutations come from SHA-256, so that a study's points outlive every change of a random generator.
Values are rounded to 6 digits, so that the last bit of a machine's power function changes no run's identity.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from experiments.problems import seeds

EDGE = 0.1  # the outer tenth of a range, on either side
RATE_DECADES = 4  # around the documented default
WIDENINGS = 6  # of a search, at most
BASES = (2, 3, 5, 7, 11, 13)  # the prime that the indices are written in, for each axis
BITS = 53  # of a float: with no more digits than fit, every point is exact


@dataclasses.dataclass(frozen=True)
class LogUniform:
    """A scale: each decade of the range is as likely as any other."""

    name: str  # the hyperparameter
    low: float  # smallest value
    high: float  # largest value
    # whether the range is that of 1 - value, as for decay rates close to 1; widening then ends at 1
    one_minus: bool = False

    def value(self, unit: float) -> float:
        """Returns low (high / low)^unit with 6 digits, or 1 minus that."""
        scale = _rounded(self.low * (self.high / self.low) ** unit)
        return float(f"{1 - scale:.12g}") if self.one_minus else scale

    def side(self, unit: float) -> int:
        """Returns -1 or 1 when a place lies in the lower or upper tenth of a range that goes on there, else 0."""
        ends_above = self.one_minus and self.high == 1
        return (unit > 1 - EDGE and not ends_above) - (unit < EDGE)

    def widened(self, side: int) -> LogUniform:
        """Returns the range with one decade more below (-1) or above (1)."""
        if side < 0:
            return dataclasses.replace(self, low=_rounded(self.low / 10))
        high = _rounded(self.high * 10)
        return dataclasses.replace(self, high=min(high, 1.0) if self.one_minus else high)


def space(learning_rate: float, knobs: Iterable[str], *, trials: int) -> tuple[LogUniform, ...]:
    """Returns the tuned ranges of an optimizer: the more trials, the more ranges (rule B6).

    Args:
        learning_rate: the documented default; the range is two decades to either side.
        knobs: names of the optimizer's hyperparameters; those that the rule does not name are not tuned.
        trials: points tried, K.
    """
    half = 10.0 ** (RATE_DECADES / 2)
    rates = LogUniform("learning_rate", _rounded(learning_rate / half), _rounded(learning_rate * half))
    known = list(knobs)
    more = (
        (10, LogUniform("beta_1", 0.005, 0.3, one_minus=True)),
        (10, LogUniform("momentum", 0.005, 0.3, one_minus=True)),
        (25, LogUniform("epsilon", 1e-10, 1.0)),
        (50, LogUniform("beta_2", 1e-4, 0.2, one_minus=True)),
    )
    return (rates, *(axis for least, axis in more if trials >= least and axis.name in known))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


@dataclasses.dataclass(frozen=True)
class Point:
    """One point of a search: its number from 0, its place on each axis in [0, 1), and its values by name."""

    index: int
    units: tuple[float, ...]
    values: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Search:
    """A complete search of one optimizer's space on one problem."""

    problem: str  # name of the problem; with the round, it decides the scramble
    round: int  # number of the search, from 0
    space: tuple[LogUniform, ...]  # the axes, the learning rate first
    trials: int  # points tried
    widenings: int = 0  # how often the space was widened before it became this one

    @functools.cached_property
    def points(self) -> tuple[Point, ...]:
        """The points, in order."""
        return tuple(self._point(index) for index in range(self.trials))

    def sides(self, best: int) -> tuple[int, ...]:
        """Returns for each axis -1 or 1 when the best point lies at the lower or upper edge of its range, else 0."""
        return tuple(self._side(number, best) for number in range(len(self.space)))

    def widened(self, best: int) -> Search | None:
        """Returns the search that has to follow when the best point lies at an edge, or None when all is settled."""
        sides = self.sides(best)
        if self.widenings == WIDENINGS or not any(sides):
            return None
        axes = tuple(axis.widened(side) if side else axis for axis, side in zip(self.space, sides, strict=True))
        return dataclasses.replace(self, space=axes, widenings=self.widenings + 1)

    def _side(self, number: int, best: int) -> int:
        axis, units = self.space[number], [point.units[number] for point in self.points]
        side = axis.side(units[best])
        if side or units[best] not in (min(units), max(units)):
            return side
        return -1 if units[best] == min(units) else axis.side(1.0)

    def _point(self, index: int) -> Point:
        units = tuple(halton(self.problem, self.round, axis, index) for axis in range(len(self.space)))
        return Point(index, units, {a.name: a.value(unit) for a, unit in zip(self.space, units, strict=True)})


def unequal(searches: Mapping[str, Search]) -> list[str]:
    """Returns the differences between the searches of some optimizers on one problem, a sentence each (B5, B6)."""
    labels = list(searches)
    return [
        f"{labels[0]} and {label} must have the same {what}, got {one!r} and {two!r}."
        for label in labels[1:]
        for what, of in _EQUAL.items()
        if (one := of(searches[labels[0]])) != (two := of(searches[label]))
    ]


def _decades(search: Search) -> float:
    """Returns the width of the learning rate's range."""
    return round(math.log10(search.space[0].high / search.space[0].low), 3)


_EQUAL: Mapping[str, Callable[[Search], Any]] = {
    "problem": lambda search: search.problem,
    "round": lambda search: search.round,
    "number of trials": lambda search: search.trials,
    "decades of learning rate": _decades,
}


def halton(problem: str, round_: int, axis: int, index: int) -> float:
    """Returns the place of a point on an axis, in [0, 1)."""
    return radical_inverse(index, permutations(problem, round_, axis))


def radical_inverse(index: int, digits: Sequence[Sequence[int]]) -> float:
    """Returns the number whose digits behind the point are those of an index, the last one first, each permuted.

    Args:
        index: a whole number from 0.
        digits: for each digit what it is replaced by; its own order leaves the plain Halton sequence.
    """
    numerator, base = 0, len(digits[0])
    for permutation in digits:
        index, digit = divmod(index, base)
        numerator = numerator * base + permutation[digit]
    denominator: int = base ** len(digits)
    return numerator / denominator


@functools.cache
def permutations(problem: str, round_: int, axis: int) -> tuple[tuple[int, ...], ...]:
    """Returns the scramble of an axis: for each digit, the digits in an order that hashing them decides."""
    base = BASES[axis]
    count = max(n for n in range(1, BITS + 1) if base**n <= 2**BITS)
    return tuple(
        tuple(sorted(range(base), key=lambda value: seeds.derive(problem, round_, f"search|{axis}|{place}|{value}")))
        for place in range(count)
    )
