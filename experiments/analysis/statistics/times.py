"""Time to target: the first evaluation that meets it, and infinity for a miss, which is never dropped."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.analysis.statistics.summaries import Array, as_array


@dataclasses.dataclass(frozen=True)
class Times:
    """Times to one target in short; each number may be infinite."""

    n: int  # number of runs, those that missed included
    misses: int  # how many did not reach the target
    median: float  # the middle time, the mean of the middle two for an even number
    low: float  # the lower quartile
    high: float  # the upper quartile


def time_to_target(steps: Any, values: Any, target: float, *, higher_is_better: bool) -> float:
    """Returns the first step at which one run meets a target, or infinity.

    Args:
        steps: (evaluations,) strictly ascending, from 0; steps, gradients or seconds.
        values: (evaluations,) raw validation values; NaN and infinity after a divergence meet no target.
        target: what has to be met or passed.
        higher_is_better: True for a score, which must be at least the target, False for a loss, at most.
    """
    grid = as_array("steps", steps, 1)
    curve = as_array("values", values, 1, infinite=True, nan=True)
    if grid[0] < 0 or (np.diff(grid) <= 0).any():
        raise ValueError(f"steps must ascend from 0 or later, got {grid.tolist()}.")
    met = np.isfinite(curve) & (curve >= target if higher_is_better else curve <= target)
    return float(grid[met.argmax()]) if met.any() else math.inf


def summarise_times(found: Any) -> Times:
    """Returns the summary of times to one target.

    Args:
        found: (runs,) at least 0, infinity for a miss.
    """
    given = np.sort(as_array("times", found, 1, infinite=True))
    misses = int(np.isinf(given).sum())
    low, median, high = (_quartile(given, q) for q in (0.25, 0.5, 0.75))
    return Times(len(given), misses, median, low, high)


def void(passes: Mapping[str, Any], budget: float) -> str | None:
    """Returns why a target tells nothing on its problem, or None when it is valid.

    A target that is met within the first pass over the training set, or within 2 % of the budget where that is longer,
    tells who starts faster and not who learns better. Evaluations are dense there, so that their number would not do.

    Args:
        passes: optimizer -> (runs,) passes after which each run met the target; infinity for a miss.
        budget: passes that a run may take, above 0.
    """
    early = max(1.0, budget / 50)
    met = dict(zip(passes, as_array("passes", list(passes.values()), 2, infinite=True), strict=True))
    for label, given in met.items():
        if np.median(given) <= early:
            first = "pass" if early == 1 else f"{early:g} passes"
            return f"half of the runs of {label} meet it within the first {first}, of {budget:g}"
    able = [label for label, given in met.items() if np.isfinite(given).any()]
    return None if len(able) > 1 else f"{' '.join(['only', *able]) if able else 'no optimizer'} ever reaches it"


def speed_up(reference: Any, other: Any, budgets: Any) -> float:
    """Returns how many times faster the other is than the reference: the geometric mean of ratios over problems.

    Args:
        reference: (problems,) median times above 0, infinity for a miss, which counts as the budget and one step.
        other: (problems,) the same of the other optimizer.
        budgets: (problems,) steps that a run may take.
    """
    one = as_array("reference", reference, 1, infinite=True)
    two = as_array("other", other, 1, infinite=True)
    limits = as_array("budgets", budgets, 1)
    ratios = np.where(np.isinf(one), limits + 1, one) / np.where(np.isinf(two), limits + 1, two)
    return float(np.exp(np.log(ratios).mean()))


def _quartile(ordered: Array, q: float) -> float:
    """Returns a quantile by linear interpolation, infinite as soon as one of its two neighbours is."""
    place = q * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low if low == high else low + (place - math.floor(place)) * (high - low))
