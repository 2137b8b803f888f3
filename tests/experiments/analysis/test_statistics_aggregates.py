"""Several problems: means and P(A > B) with stratified intervals, ranks with ties, tests of ranks."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.aggregates import (
    critical_difference,
    friedman,
    improvement,
    interquartile_means,
    mean_ranks,
    ranks,
)
from experiments.analysis.statistics.resampling import generator
from experiments.analysis.statistics.significance import superiority
from experiments.analysis.statistics.summaries import iqm

# Ranks of four kinds of C4.5 on 14 data sets (Demšar, 2006, table 6).
DEMSAR = {
    "C4.5": (4, 1, 4, 4, 4, 1, 3, 2.5, 4, 2.5, 4, 3, 4, 3),
    "C4.5+m": (3, 2, 1, 1, 2, 2.5, 2, 2.5, 3, 2.5, 2.5, 2, 1, 1),
    "C4.5+cf": (2, 3, 2, 3, 3, 4, 4, 4, 2, 2.5, 1, 4, 2, 4),
    "C4.5+m+cf": (1, 4, 3, 2, 1, 2.5, 1, 1, 1, 2.5, 2.5, 1, 3, 2),
}
SCORES = {label: [-rank for rank in row] for label, row in DEMSAR.items()}


def rng():
    """The random generator of a table."""
    return generator("study", "table")


def test_interquartile_means_pool_problems_and_seeds():
    """The value is that of all numbers together; intervals hold it, and the expanded one is the wider."""
    scores = {label: np.random.default_rng(i).random((4, 5)) for i, label in enumerate("AB")}
    found = interquartile_means(scores, rng())
    for label, estimate in found.items():
        assert estimate.value == pytest.approx(float(iqm(scores[label].ravel())), abs=1e-12)
        assert estimate.expanded.low < estimate.percentile.low < estimate.value
        assert estimate.value < estimate.percentile.high < estimate.expanded.high


def test_one_seed_a_problem_has_no_expanded_interval():
    """Nothing varies, so that the percentile interval has no width; the wider one does not exist."""
    (estimate,) = interquartile_means({"A": [[0.1], [0.5], [0.7]]}, rng()).values()
    assert estimate.percentile == (estimate.value, estimate.value)
    assert all(map(math.isnan, estimate.expanded))


def test_improvement_is_the_mean_over_problems_of_p():
    """Not P of all runs pooled, in which a problem of larger numbers would rule."""
    a, b = np.array([[1.0, 2, 3], [10, 20, 30]]), np.array([[2.0, 2, 4], [5, 6, 7]])
    expected = (1 / 3 + 8.5 / 9 + 0.5 / 9) / 2
    found = improvement(a, b, rng())
    assert found.value == pytest.approx((superiority(a[0], b[0], paired=False) + 1) / 2)
    assert found.value == pytest.approx(expected)


def test_improvement_of_both_sides_adds_to_1():
    """So do the ends of their intervals, since the draws are the same."""
    a, b = np.random.default_rng(1).integers(4, size=(2, 3, 5)).astype(float)
    ours, theirs = improvement(a, b, rng()), improvement(b, a, rng())
    assert ours.value + theirs.value == pytest.approx(1)
    assert ours.percentile == pytest.approx((1 - theirs.percentile.high, 1 - theirs.percentile.low))


def test_interval_of_improvement_equals_an_enumeration():
    """Two problems, two seeds: 4 draws of seeds each, the same for both optimizers."""
    a, b = np.array([[1.0, 4.0], [2.0, 9.0]]), np.array([[3.0, 2.0], [5.0, 1.0]])
    draws = list(itertools.product(range(2), repeat=2))
    every = [
        np.mean([superiority(a[p, list(d)], b[p, list(d)], paired=False) for p, d in enumerate(pair)])
        for pair in itertools.product(draws, repeat=2)
    ]
    # 0.025 of 16 equally likely outcomes is less than one of them: the ends are the extremes.
    assert improvement(a, b, rng()).percentile == pytest.approx((min(every), max(every)))


def test_ranks_share_the_mean_of_tied_places():
    """The best has rank 1, and diverged ones share the last."""
    found = ranks({"A": [0.9, 0.5], "B": [0.9, -math.inf], "C": [0.3, -math.inf], "D": [0.95, 0.6]})
    assert {label: row.tolist() for label, row in found.items()} == {
        "A": [2.5, 2],
        "B": [2.5, 3.5],
        "C": [4, 3.5],
        "D": [1, 1],
    }


def test_ranks_equal_counting():
    """One, and one for each that is better, and a half for each that is as good."""
    scores = dict(zip("ABCDE", np.random.default_rng(2).integers(4, size=(5, 6)).astype(float), strict=True))
    for label, row in ranks(scores).items():
        others = [scores[other] for other in scores if other != label]
        expected = 1 + sum((other > scores[label]) + 0.5 * (other == scores[label]) for other in others)
        assert row.tolist() == expected.tolist()


def test_mean_ranks_of_demsars_example():
    """As printed, with three decimals; and they add to 1 + 2 + 3 + 4."""
    found = mean_ranks(SCORES)
    assert list(found.values()) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert sum(found.values()) == pytest.approx(10)


def test_friedmans_test_of_demsars_example():
    """His 9.28, over the correction for three tied pairs and one tied four, which he leaves out."""
    ties = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * (4**3 - 4))
    # 9.28 has three digits, and p falls by half for each 1.4 of it.
    assert friedman(SCORES) == pytest.approx(stats.chi2.sf(9.28 / ties, 3), rel=0.005)


def test_optimizers_that_tie_everywhere_are_not_told_apart():
    """SciPy divides 0 by 0 here."""
    assert friedman({label: [0.5] * 8 for label in "ABC"}) == 1.0


@pytest.mark.parametrize(
    ("optimizers", "q"),
    list(enumerate((1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164), 2)),
)
def test_critical_differences_have_demsars_quantiles(optimizers, q):
    """His table 5a, three decimals, the last of them off by one here and there."""
    found = critical_difference(optimizers, 20) / math.sqrt(optimizers * (optimizers + 1) / 120)
    assert found == pytest.approx(q, abs=1.1e-3)


def test_critical_differences_of_demsars_example():
    """1.25 at 0.05 and 1.12 at 0.10, as printed."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, 0.1) == pytest.approx(1.12, abs=5e-3)
