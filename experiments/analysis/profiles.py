"""Performance profiles (Dolan and Moré, 2002) and data profiles (Moré and Wild, 2009).

Both are shares of problems solved, as a function of how much may be spent: in multiples of the best solver's time,
or in evaluations. A problem that no solver solves stays in the denominator, and a failure is an infinite time.

With more than two solvers a performance profile names the best one and no more: its ratios refer to the fastest of
those drawn, so that taking one solver away can turn the order of two others round (Gould and Scott, 2016). The order of
the rest is read from `pairwise_profiles` and `without_best`, which belong beside it.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.analysis.statistics.inputs import Array, as_array, by_label, same_shape

# Ratios from 1 to 4 make the score: beyond four times the best, a solver is no rival.
HORIZON = 4.0


@dataclasses.dataclass(frozen=True)
class Profile:
    """For each solver, what each problem costs; the profile is the share of problems at or below a budget."""

    costs: Mapping[str, Array]  # solver -> (problems,) ratio to the best time, or evaluations; infinity for a failure
    kind: str  # "performance" or "data"

    def at(self, budget: float) -> dict[str, float]:
        """Returns each solver's share of problems that cost at most `budget`: at a jump, the upper value."""
        return {solver: float(np.mean(cost <= budget)) for solver, cost in self.costs.items()}

    @property
    def solved(self) -> dict[str, float]:
        """Each solver's share of problems solved at any cost: where its curve ends."""
        return {solver: float(np.isfinite(cost).mean()) for solver, cost in self.costs.items()}

    def steps(self, solver: str) -> tuple[Array, Array]:
        """Returns where a solver's curve jumps and the shares from there on; draw them as "post" steps."""
        cost = self.costs[solver]
        jumps, counts = np.unique(cost[np.isfinite(cost)], return_counts=True)
        return jumps, np.cumsum(counts) / len(cost)

    @property
    def end(self) -> float:
        """Where an axis should end: past the last jump of all solvers, and at 4 at least; failures lie beyond."""
        finite_costs = [cost[np.isfinite(cost)].max(initial=0.0) for cost in self.costs.values()]
        return max(HORIZON, 1.1 * float(max(finite_costs)))

    @property
    def note(self) -> str:
        """What has to stand below the figure."""
        if self.kind == "data":
            return "Share of problems solved within a budget of evaluations; failures lie beyond the axis."
        base = "Ratios refer to the fastest of the solvers drawn; failures lie beyond the axis."
        if len(self.costs) < 3:
            return base
        return f"{base} It names the best solver only: read the order of the rest from the profiles of two."


def performance_profile(found: Mapping[str, Any]) -> Profile:
    """Returns the performance profile of solvers.

    Args:
        found: solver -> (problems,) time above 0 in any unit, lower is better, infinity for a failure; the same
            problems in the same order for all. A "problem" is one problem's median over seeds, or one problem and
            seed: say which.

    Raises:
        ValueError: a time is 0, negative or NaN, or the solvers have different numbers of problems.
    """
    return Profile(_ratios(by_label("times", found, 1, above_zero=True)), "performance")


def pairwise_profiles(found: Mapping[str, Any]) -> dict[tuple[str, str], Profile]:
    """Returns a performance profile for each two solvers, which no third one can change; arguments as above."""
    arrays = by_label("times", found, 1, above_zero=True)
    return {(a, b): performance_profile({a: arrays[a], b: arrays[b]}) for a, b in itertools.combinations(arrays, 2)}


def without_best(found: Mapping[str, Any]) -> tuple[list[str], Profile]:
    """Returns the solvers with the highest score, and the profile of the others; at least one other is needed.

    Raises:
        ValueError: all solvers have the highest score.
    """
    arrays = by_label("times", found, 1, above_zero=True)
    points = scores(performance_profile(arrays))
    best = [solver for solver, value in points.items() if value == max(points.values())]
    rest = {solver: array for solver, array in arrays.items() if solver not in best}
    if not rest:
        raise ValueError(f"A profile without the best needs other solvers, but {', '.join(best)} share the best score.")
    return best, performance_profile(rest)


def scores(profile: Profile) -> dict[str, float]:
    """Returns a third of the area under each performance profile from 1 to 4: 1 if always the fastest."""
    return {solver: float(_score(cost)) for solver, cost in profile.costs.items()}


def data_profile(found: Mapping[str, Any], dimensions: Any = None) -> Profile:
    """Returns the data profile of solvers; it does not refer to the best of those drawn.

    Args:
        found: solver -> (problems,) cost of solving, at least 0; infinity for a failure.
        dimensions: (problems,) number of variables n of each problem. If given, costs are function evaluations and are
            divided by n + 1, to count simplex gradients; else they stay what they are, such as gradient evaluations.
    """
    costs = by_label("costs", found, 1)
    if dimensions is None:
        return Profile(costs, "data")
    sizes = as_array("dimensions", dimensions, 1)
    same_shape(**costs, dimensions=sizes)
    if sizes.min() < 1:
        raise ValueError(f"dimensions must be at least 1, got {sizes.min():g}.")
    return Profile({solver: cost / (sizes + 1) for solver, cost in costs.items()}, "data")


def _ratios(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Returns times over the best solver's, infinite where a solver failed, or all did."""
    best = np.min(list(arrays.values()), axis=0)
    reference = np.where(np.isinf(best), 1.0, best)
    return {solver: array / reference for solver, array in arrays.items()}


def _score(ratios: Array) -> Array:
    """Returns the mean over the last axis of what is left of the horizon, on the scale 0 .. 1."""
    return np.asarray(np.mean(np.maximum(HORIZON - ratios, 0.0) / (HORIZON - 1), axis=-1))
