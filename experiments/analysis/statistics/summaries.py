"""What the runs of one optimizer amount to: means, spreads, normalised scores, the best of k trials."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """Two ends, both part of it; infinite where diverged runs leave an end open, NaN where there is none."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Spread:
    """A few values in short: their number, mean, standard deviation (n - 1) and extremes."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


def as_array(name: str, values: Any, *ndim: int, infinite: bool = False, nan: bool = False) -> Array:
    """Returns values as an array of floats.

    Args:
        name: what the values are called in a message.
        values: array or nested sequences of numbers, at least one.
        ndim: how many axes they may have; any number if none is given.
        infinite: whether infinity is a value, such as that of a run that diverged.
        nan: whether NaN is a value, such as the loss after a divergence.

    Raises:
        ValueError: they have another shape, or hold NaN or infinity where that is no value.
    """
    array = np.asarray(values, np.float64)
    if array.size == 0 or (ndim and array.ndim not in ndim):
        axes = f" on {' or '.join(map(str, ndim))} axes" if ndim else ""
        raise ValueError(f"{name} must be numbers{axes}, at least one, got the shape {array.shape}.")
    if not nan and np.isnan(array).any():
        raise ValueError(
            f"{name} must not hold NaN: leave out what did not run, and give what diverged the worst value there is."
        )
    if not infinite and np.isinf(array).any():
        raise ValueError(f"{name} must be finite, got infinity.")
    return array


def spread(values: Sequence[float]) -> Spread:
    """Returns the summary of at least one value; the deviation of a single one is NaN."""
    given = as_array("values", values, 1).tolist()
    sd = statistics.stdev(given) if len(given) > 1 else math.nan
    return Spread(len(given), statistics.fmean(given), sd, min(given), max(given))


def mean(values: Any) -> Array:
    """Returns the mean along the last axis; NaN where infinities of both signs meet."""
    with np.errstate(invalid="ignore"):
        return np.asarray(as_array("values", values, infinite=True).mean(axis=-1))


def iqm(values: Any) -> Array:
    """Returns the interquartile mean along the last axis: floor(n / 4) values are left out at either end.

    It is SciPy's 25 % trimmed mean, as in Agarwal et al. (2021), "Deep RL at the edge of the statistical precipice".
    """
    ordered = np.sort(as_array("values", values, infinite=True), axis=-1)
    cut = ordered.shape[-1] // 4
    return mean(ordered[..., cut : ordered.shape[-1] - cut])


def ranked(values: Any) -> Array:
    """Returns the rank of each value along the first axis, 1 for the lowest; ties share the mean of their ranks."""
    own = as_array("values", values, infinite=True)
    below, equal = (found.sum(axis=1) for found in (own[None] < own[:, None], own[None] == own[:, None]))
    return np.asarray(below + (equal + 1) / 2)


def normalised(values: Any, start: float, best: float) -> Array:
    """Returns scores or losses of one problem on the scale from 0, the value at step 0, to 1, the best of the pool.

    Args:
        values: one value a run, of any shape; infinity on the bad side for a run that diverged, which makes 0.
        start: the value at step 0.
        best: the best value that any run reached, another than `start`; below it for a loss.

    Returns:
        (value - start) / (best - start), clipped to 0 .. 1.
    """
    return np.clip((as_array("values", values, infinite=True) - start) / (best - start), 0.0, 1.0)


def best_of(scores: Any) -> Array:
    """Returns the score expected of the best of k trials, for k = 1 .. K, drawn without replacement from K.

    Args:
        scores: (..., K) one score a trial, greater is better (negate losses), -inf for one that diverged.

    Returns:
        (..., K) the sum over i of score(i) * C(i - 1, k - 1) / C(K, k), scores in ascending order.
    """
    ordered = np.sort(as_array("scores", scores, infinite=True), axis=-1)
    trials = ordered.shape[-1]
    weights = [[math.comb(i, k) / math.comb(trials, k + 1) for k in range(trials)] for i in range(trials)]
    lost = np.isneginf(ordered)
    expected = np.where(lost, 0.0, ordered) @ np.array(weights)
    # Of m diverged trials, k <= m draws may find nothing else.
    return np.where(np.arange(trials) < lost.sum(-1, keepdims=True), -math.inf, expected)
