"""Means, spreads and intervals over seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """A few values in short: their number, mean, standard deviation (n - 1) and extremes."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Returns the summary of at least one value; the deviation of a single one is NaN."""
    sd = statistics.stdev(values) if len(values) > 1 else math.nan
    return Spread(len(values), statistics.fmean(values), sd, min(values), max(values))


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Returns Student's t interval of a mean; NaN at both ends when there is a single value.

    Args:
        values: one value a seed; for paired data, their differences.
        level: the share of such intervals that hold the mean of a normal law.
    """
    from scipy import special

    summary = spread(values)
    if summary.n < 2:
        return math.nan, math.nan
    quantile = float(special.stdtrit(summary.n - 1, (1 + level) / 2))
    half = quantile * summary.sd / math.sqrt(summary.n)
    return summary.mean - half, summary.mean + half
