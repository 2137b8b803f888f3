"""Is a difference larger than the noise: paired t, exact sign flips, Holm's correction, P(A > B).

The p of a claim is that of the t test, since a bootstrap at 5 seeds rejects 17 % of true null hypotheses; the exact p
is given too. SciPy has the t test. It has no correction of Holm's, and in its sign flips sums that are equal but for
rounding differ where the sum seen is near 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.analysis.statistics.summaries import Array, as_array, ranked

# All 2^16 patterns of signs are looked at; of more seeds, this many drawn ones.
EXACT_SEEDS = 16
PATTERNS = 100_000
# Differences of scores such as 0.9234 carry rounding of 1e-16, their sums some more: far below a billionth.
ROUNDING = 1e-9


def differences(a: Any, b: Any) -> Array:
    """Returns a - b seed by seed; two runs that both diverged are equal.

    Args:
        a: (seeds,) one value a seed, infinity for a run that diverged.
        b: (seeds,) the values of the same seeds.
    """
    one, other = as_array("a", a, 1, infinite=True), as_array("b", b, 1, infinite=True)
    with np.errstate(invalid="ignore"):
        return np.where(one == other, 0.0, one - other)


def paired_t(difference: Any) -> float:
    """Returns the two-sided p of Student's t test that the mean of paired differences is 0.

    Args:
        difference: (seeds,) at least 2 finite differences. All 0 makes p = 1, all equal to another number p = 0.
    """
    from scipy import special  # its module of statistics takes a second to import

    d = as_array("differences", difference, 1)
    if len(d) < 2:
        raise ValueError(f"differences must be of at least 2 seeds, got {len(d)}.")
    if np.ptp(d) <= 20 * np.finfo(float).eps * np.abs(d).max():  # t would divide rounding by rounding
        return float(d[0] == 0)
    t = d.mean() / (d.std(ddof=1) / len(d) ** 0.5)
    return float(2 * special.stdtr(len(d) - 1, -abs(t)))


def sign_flip(difference: Any, rng: np.random.Generator | None = None) -> float:
    """Returns the share of patterns of signs for which |sum of ±d| is at least |sum of d|.

    Under the null hypothesis that A and B may change places in any seed, this p is exact.

    Args:
        difference: (seeds,) finite differences. Up to 16, all patterns count; of more, 100,000 drawn ones and the one
            seen.
        rng: source of the draws, needed for more than 16.
    """
    d = as_array("differences", difference, 1)
    if rng is None and len(d) > EXACT_SEEDS:
        raise ValueError(f"rng must be given for more than {EXACT_SEEDS} seeds, got {len(d)}.")
    sums = _all_sums(d) if rng is None or len(d) <= EXACT_SEEDS else _drawn_sums(d, rng)
    reached = np.abs(sums) >= abs(d.sum()) - ROUNDING * np.abs(d).sum()
    return float(reached.mean())


def signed_ranks(difference: Any, rng: np.random.Generator | None = None) -> float:
    """Returns the p of sign flips of ranks (Wilcoxon's signed-rank test): infinite differences have the highest rank.

    Ties share their mean rank, and zeros take part in the ranking (Pratt, 1959).

    Args:
        difference: (seeds,) differences, infinite where one of the two runs diverged.
        rng: source of draws, needed for more than 16 seeds.
    """
    d = as_array("differences", difference, 1, infinite=True)
    return sign_flip(np.sign(d) * ranked(np.abs(d)), rng)


def holm(p: Any, planned: int = 0) -> list[float]:
    """Returns p values corrected for their number (Holm, 1979): adjusted p(i) = max over j <= i of (m - j + 1) p(j).

    Args:
        p: (comparisons,) the p of every comparison in one table.
        planned: how many comparisons there were to be, where that is more; m is then this number, as if each of those
            that are not there had the p of 1.

    Returns:
        Corrected p values in the order given, at most 1.
    """
    given = as_array("p", p, 1)
    if given.min() < 0 or given.max() > 1:
        raise ValueError(f"p must be from 0 to 1, got values from {given.min():g} to {given.max():g}.")
    order = np.argsort(given, kind="stable")
    adjusted = np.empty_like(given)
    adjusted[order] = np.maximum.accumulate(
        np.minimum(1.0, given[order] * (max(planned, given.size) - np.arange(given.size)))
    )
    return [float(value) for value in adjusted]


def superiority(a: Any, b: Any, *, paired: bool) -> float:
    """Returns P(A > B), ties counted half; greater is better, so negate losses.

    Args:
        a: (runs,) values, -inf for a run that diverged.
        b: (runs,) values; of the same seeds if paired.
        paired: compare seed by seed, else every run of A with every run of B (Mann and Whitney).

    Returns:
        0 .. 1, and P(A > B) + P(B > A) = 1.
    """
    one, other = as_array("a", a, infinite=True), as_array("b", b, infinite=True)
    if not paired:
        one, other = one[:, None], other[None, :]
    return float(np.mean((one > other) + 0.5 * (one == other)))


def _all_sums(d: Array) -> Array:
    """Returns the sums of d under all patterns of signs but mirrored ones, whose absolute sums are the same."""
    sums = d[:1]
    for value in d[1:]:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _drawn_sums(d: Array, rng: np.random.Generator) -> Array:
    """Returns sums under drawn patterns of signs, and the sum seen, without which p could be 0."""
    flipped = rng.integers(2, size=(PATTERNS, len(d)), dtype=np.int8) @ d
    return np.append(d.sum() - 2 * flipped, d.sum())
