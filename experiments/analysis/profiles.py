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

from experiments.analysis.statistics.summaries import Array, as_array
from experiments.text import Table, group

# Ratios from 1 to 4 make the score: beyond four times the best, a solver is no rival.
HORIZON = 4.0
LEAST = 3  # problems and solvers of a profile of test errors


@dataclasses.dataclass(frozen=True)
class Profile:
    """For each solver, what each problem costs; the profile is the share of problems at or below a budget."""

    costs: Mapping[str, Array]  # solver -> (problems,) ratio to the best time, or evaluations; infinity for a failure
    kind: str  # "performance" or "data"

    def at(self, budget: float) -> dict[str, float]:
        """Returns each solver's share of problems that cost at most `budget`: at a jump, the upper value."""
        return {solver: float(np.mean(cost <= budget)) for solver, cost in self.costs.items()}

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


def performance_profile(found: Mapping[str, Any]) -> Profile:
    """Returns the performance profile of solvers.

    Args:
        found: solver -> (problems,) time above 0 in any unit, lower is better, infinity for a failure; the same
            problems in the same order for all. A "problem" is one problem's median over seeds, or one problem and
            seed: say which.

    Raises:
        ValueError: a time is NaN, or the solvers have different numbers of problems.
    """
    times = as_array("times", list(found.values()), 2, infinite=True)
    best = times.min(axis=0)
    return Profile(dict(zip(found, times / np.where(np.isinf(best), 1.0, best), strict=True)), "performance")


def pairwise_profiles(found: Mapping[str, Any]) -> dict[tuple[str, str], Profile]:
    """Returns a performance profile for each two solvers, which no third one can change; arguments as above."""
    return {(a, b): performance_profile({a: found[a], b: found[b]}) for a, b in itertools.combinations(found, 2)}


def without_best(found: Mapping[str, Any]) -> tuple[list[str], Profile]:
    """Returns the solvers with the highest score, and the profile of the others, of which there must be some."""
    points = scores(performance_profile(found))
    best = [solver for solver, value in points.items() if value == max(points.values())]
    return best, performance_profile({solver: times for solver, times in found.items() if solver not in best})


def scores(profile: Profile) -> dict[str, float]:
    """Returns a third of the area under each performance profile from 1 to 4: 1 if always the fastest."""
    return {k: float(np.mean(np.maximum(HORIZON - cost, 0.0) / (HORIZON - 1))) for k, cost in profile.costs.items()}


def data_profile(found: Mapping[str, Any]) -> Profile:
    """Returns the data profile of solvers; it does not refer to the best of those drawn.

    Args:
        found: solver -> (problems,) cost of solving, such as gradient evaluations, at least 0; infinity for a failure.
    """
    return Profile({k: as_array("costs", cost, 1, infinite=True) for k, cost in found.items()}, "data")


def error_rows(errors: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Returns the rows of performance profiles of test errors over the problems of several studies.

    Solvers of a profile must have met the same problems. So there is a profile, the rows of one `panel`, for each set
    of three or more problems that are just those of some solver, if three or more solvers met all of it.

    Args:
        errors: problem -> solver -> mean test error, infinity for a failure. A problem on which one makes no error at
            all has no ratios, and is left out.
    """
    compared = {problem: own for problem, own in errors.items() if min(own.values()) > 0}
    met: dict[str, frozenset[str]] = {}
    for problem, own in compared.items():
        met |= {solver: met.get(solver, frozenset()) | {problem} for solver in own}
    rows: list[dict[str, Any]] = []
    order = {problem: place for place, problem in enumerate(compared)}
    for common in sorted(set(met.values()), key=lambda own: (-len(own), sorted(map(order.__getitem__, own)))):
        solvers = [solver for solver, own in met.items() if common <= own]
        if min(len(common), len(solvers)) < LEAST:
            continue
        problems = [problem for problem in compared if problem in common]
        profile = performance_profile(
            {solver: [compared[problem][solver] for problem in problems] for solver in solvers}
        )
        panel = f"{len(solvers)} optimizers on {len(problems)} problems: {', '.join(problems)}"
        rows += [
            {"panel": panel, "kind": profile.kind, "optimizer": solver, "problem": problem,
             "test_error": compared[problem][solver], "cost": float(cost)}
            for solver in solvers
            for problem, cost in zip(problems, profile.costs[solver], strict=True)
        ]  # fmt: skip
    return rows


def of_rows(rows: Table) -> dict[str, Profile]:
    """Returns the profile of each panel, by its title, from a row for each solver and problem."""
    return {
        title: Profile({k: np.array([row["cost"] for row in own]) for k, own in group(panel).items()}, panel[0]["kind"])
        for title, panel in group(rows, "panel").items()
    }
