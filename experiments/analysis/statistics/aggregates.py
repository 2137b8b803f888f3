"""Several problems at once: interquartile means, chances of improvement, and ranks.

An optimizer's scores are an array (problems, seeds), normalised to 0 .. 1 where they are pooled. Ranks on 3 problems
are a picture and not evidence: Friedman's and Nemenyi's tests are refused below 8 problems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.analysis.statistics.resampling import RESAMPLES, Estimate, estimate, stratified
from experiments.analysis.statistics.significance import superiority
from experiments.analysis.statistics.summaries import Array, as_array, iqm, ranked

LEAST_PROBLEMS = 8


def interquartile_means(scores: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Estimate]:
    """Returns the interquartile mean over all problems and seeds of each optimizer.

    Args:
        scores: optimizer -> (problems, seeds) normalised scores, the same problems and seeds for all.
        rng: source of the draws; seeds are drawn inside problems, the same ones for every optimizer.
    """
    stacked = as_array("scores", list(scores.values()), 3)
    draws = stratified(stacked, rng, iqm)
    values = iqm(stacked.reshape(len(stacked), -1))
    return {k: estimate(float(v), d, stacked.shape[-1]) for k, v, d in zip(scores, values, draws, strict=True)}


def improvement(a: Any, b: Any, rng: np.random.Generator) -> Estimate:
    """Returns P(A > B), all runs of A against all runs of B on each problem, the mean over problems.

    Args:
        a: (problems, seeds) scores, greater is better, -inf for a run that diverged.
        b: (problems, seeds) scores.
        rng: source of the draws; seeds are drawn inside problems, the same ones for both.
    """
    one, other = as_array("a", a, 2, infinite=True), as_array("b", b, 2, infinite=True)
    problems, seeds = one.shape
    draws = np.zeros(RESAMPLES)
    for row, against, drawn in zip(one, other, rng.integers(seeds, size=(problems, RESAMPLES, seeds)), strict=True):
        x, y = row[drawn][:, :, None], against[drawn][:, None, :]
        draws += ((x > y) + 0.5 * (x == y)).mean(axis=(1, 2)) / problems
    value = np.mean([superiority(x, y, paired=False) for x, y in zip(one, other, strict=True)])
    return estimate(float(value), draws, seeds)


def ranks(scores: Mapping[str, Any]) -> dict[str, Array]:
    """Returns the rank of each optimizer on each problem: 1 is the best, ties share the mean of their ranks.

    Args:
        scores: optimizer -> (problems,) one score a problem, greater is better, -inf for one that diverged.
    """
    return dict(zip(scores, ranked(-as_array("scores", list(scores.values()), 2, infinite=True)), strict=True))


def mean_ranks(scores: Mapping[str, Any]) -> dict[str, float]:
    """Returns the mean rank of each optimizer over problems, from 1 to their number."""
    return {label: float(row.mean()) for label, row in ranks(scores).items()}


def friedman(scores: Mapping[str, Any]) -> float:
    """Returns the p of Friedman's test, corrected for ties, that all optimizers rank alike.

    Args:
        scores: optimizer -> (problems,) one score a problem; at least 3 optimizers and 8 problems.

    Raises:
        ValueError: there are fewer.
    """
    from scipy import stats

    found = ranks(scores)
    _enough(len(next(iter(found.values()))))
    if len(found) < 3:
        raise ValueError(f"Friedman's test needs at least 3 optimizers, got {len(found)}: compare two by their runs.")
    rows = np.stack(list(found.values()))
    # SciPy divides by the ties left over: nothing, when all tie on every problem.
    return 1.0 if (rows == rows[0]).all() else float(stats.friedmanchisquare(*rows).pvalue)


def critical_difference(optimizers: int, problems: int, alpha: float = 0.05) -> float:
    """Returns how far apart two mean ranks must be for Nemenyi's test to tell them apart (Demšar, 2006, eq. 5).

    Args:
        optimizers: number of them, at least 2.
        problems: number of them, at least 8.
        alpha: chance of a wrong claim among all pairs.

    Raises:
        ValueError: there are fewer.
    """
    from scipy import stats

    _enough(problems)
    if optimizers < 2:
        raise ValueError(f"A critical difference needs at least 2 optimizers, got {optimizers}.")
    quantile = stats.studentized_range.isf(alpha, optimizers, math.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(optimizers * (optimizers + 1) / (6 * problems)))


def _enough(problems: int) -> None:
    if problems < LEAST_PROBLEMS:
        raise ValueError(
            f"Tests of ranks need at least {LEAST_PROBLEMS} problems, got {problems}: show the ranks without p values."
        )
