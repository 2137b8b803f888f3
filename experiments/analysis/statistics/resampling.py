"""Bootstrap over seeds: paired, stratified by problem; percentile and expanded intervals.

SciPy has a bootstrap, but not one that draws the same seeds for every optimizer, keeps problems fixed, or knows runs
that diverged; nor does it promise the same draws in every release, and two reports of one study are equal to the byte.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.analysis.statistics.summaries import Array, Interval, as_array, best_of, iqm, mean

RESAMPLES = 10_000
LEVEL = 0.95

Statistic = Callable[[Array], Array]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its two 95 % intervals."""

    value: float  # the number
    percentile: Interval  # bootstrap interval, too narrow for a few seeds
    expanded: Interval  # the one made wider for them; the one to draw. NaN at both ends with a single seed.


@dataclasses.dataclass(frozen=True)
class Centre:
    """Where the runs of one optimizer on one problem lie."""

    n: int  # number of runs, diverged ones included
    mean: Estimate  # with its intervals, infinite where a run diverged
    median: float  # the middle value, or the mean of the middle two
    iqm: float  # the interquartile mean


def generator(study: str, table: str) -> np.random.Generator:
    """Returns the random generator of one table: it is the study's and the table's name, so that reports repeat.

    Args:
        study: the study's identity.
        table: name of the table or figure.
    """
    digest = hashlib.sha256(f"{study}|{table}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def bootstrap(values: Any, rng: np.random.Generator, statistic: Statistic = mean, resamples: int = RESAMPLES) -> Array:
    """Returns a statistic of seeds drawn with replacement, the same draws for every row.

    Args:
        values: (n,) or (rows, n), such as a row for each optimizer; infinity for a run that diverged.
        rng: source of the draws.
        statistic: reduces the last axis, such as `mean` or `iqm`.
        resamples: number of draws.

    Returns:
        (resamples,) or (rows, resamples). The difference of two rows is a paired bootstrap of their difference.
    """
    array = as_array("values", values, 1, 2, infinite=True)
    seeds = array.shape[-1]
    drawn = rng.integers(seeds, size=(resamples, seeds))
    return _each_row(array, 1, lambda row: statistic(row[drawn]))


def stratified(values: Any, rng: np.random.Generator, statistic: Statistic = iqm, resamples: int = RESAMPLES) -> Array:
    """Returns a statistic over problems and seeds: seeds are resampled within each problem, problems are not.

    Args:
        values: (problems, seeds) or (rows, problems, seeds), such as a row for each optimizer.
        rng: source of the draws, the same for every row.
        statistic: reduces the last axis, which holds the pooled problems and seeds.
        resamples: number of draws.

    Returns:
        (resamples,) or (rows, resamples).
    """
    array = as_array("values", values, 2, 3, infinite=True)
    problems, seeds = array.shape[-2:]
    drawn = rng.integers(seeds, size=(resamples, problems, seeds))
    places = (drawn + seeds * np.arange(problems)[:, None]).reshape(resamples, -1)
    return _each_row(array, 2, lambda row: statistic(row.ravel()[places]))


def percentile(draws: Array, level: float = LEVEL) -> Interval:
    """Returns the percentile interval: what is left of the draws when (1 - level) / 2 of them are cut at either end."""
    return _between(draws, (1 - level) / 2)


def expanded(draws: Array, n: int, level: float = LEVEL) -> Interval:
    """Returns the percentile interval with tails made smaller, by as much as a few seeds make it too narrow.

    With 5 normal values the percentile interval of "95 %" holds the mean in 86 % of cases, this one in 93 %; with 10,
    in 92 % and 95 %. Hesterberg (2015), "What teachers should know about the bootstrap".

    Args:
        draws: (resamples,) of a mean.
        n: number of seeds that were drawn from, at least 2.
        level: the share of such intervals that should hold the mean.

    Raises:
        ValueError: n is below 2.
    """
    return _between(draws, expanded_tail(n, level))


def expanded_tail(n: int, level: float = LEVEL) -> float:
    """Returns the share cut at either end: Phi(-t * sqrt(n / (n - 1))), t Student's with n - 1 degrees of freedom."""
    from scipy import special

    if n < 2:
        raise ValueError(f"An expanded interval needs at least 2 seeds, got {n}.")
    quantile = special.stdtrit(n - 1, (1 + level) / 2)
    return float(special.ndtr(-quantile * math.sqrt(n / (n - 1))))


def estimate(value: float, draws: Array, n: int) -> Estimate:
    """Returns a number with the intervals of its draws, which were made from n seeds."""
    wide = expanded(draws, n) if n > 1 else Interval(math.nan, math.nan)
    return Estimate(value, percentile(draws), wide)


def centres(values: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Centre]:
    """Returns where the runs of each optimizer on one problem lie.

    Args:
        values: optimizer -> (seeds,) one value a seed, infinite for a run that diverged; the same seeds for all.
        rng: source of the draws, the same seeds for every optimizer.
    """
    arrays = as_array("values", list(values.values()), 2, infinite=True)
    return {
        label: Centre(len(a), estimate(float(mean(a)), d, len(a)), float(np.median(a)), float(iqm(a)))
        for label, a, d in zip(values, arrays, bootstrap(arrays, rng), strict=True)
    }


def best_of_band(scores: Any, rng: np.random.Generator, level: float = 0.9) -> list[tuple[float, Interval]]:
    """Returns the score expected of the best of k trials with its band, for k = 1 .. K, from a bootstrap of trials.

    Args:
        scores: (K,) one score a trial, greater is better (negate losses), -inf for one that diverged.
        rng: source of the draws.
        level: share of the draws inside the band.
    """
    given = as_array("scores", scores, 1, infinite=True)
    drawn = best_of(given[rng.integers(given.size, size=(RESAMPLES, given.size))])
    return [(float(e), percentile(d, level)) for e, d in zip(best_of(given), drawn.T, strict=True)]


def _between(draws: Array, tail: float) -> Interval:
    ordered = np.sort(np.asarray(draws, np.float64))
    if ordered.ndim != 1 or ordered.size == 0:
        raise ValueError(f"draws must have the shape (resamples,), at least one, got the shape {ordered.shape}.")
    if np.isnan(ordered[-1]):
        # Infinities of both signs met in a mean, so that it may be anything.
        return Interval(-math.inf, math.inf)
    return Interval(_quantile(ordered, tail, math.floor), _quantile(ordered, 1 - tail, math.ceil))


def _quantile(ordered: Array, q: float, outwards: Callable[[float], int]) -> float:
    """Returns a quantile by linear interpolation; next to infinity, the outer neighbour is taken."""
    place = q * (len(ordered) - 1)
    low, high = float(ordered[math.floor(place)]), float(ordered[math.ceil(place)])
    if low == high:
        return low
    if math.isinf(low) or math.isinf(high):
        return float(ordered[outwards(place)])
    return low + (place - math.floor(place)) * (high - low)


def _each_row(array: Array, axes: int, one: Callable[[Array], Array]) -> Array:
    """Applies a function to each row, one at a time to hold a tenth of the memory; without rows, to the whole."""
    return one(array) if array.ndim == axes else np.stack([one(row) for row in array])
