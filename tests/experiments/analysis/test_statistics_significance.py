"""Tests, corrections and P(A > B) agree with enumerations, SciPy and known answers, and keep their error rates."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics.resampling import generator
from experiments.analysis.statistics.significance import (
    differences,
    holm,
    paired_t,
    sign_flip,
    signed_ranks,
    superiority,
)

ROUNDING = 1e-12


def flipped(d):
    """The share of all patterns of signs that reach the sum of whole numbers, one pattern after the other."""
    patterns = itertools.product((-1, 1), repeat=len(d))
    return np.mean([abs(sum(s * v for s, v in zip(signs, d, strict=True))) >= abs(sum(d)) for signs in patterns])


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        ([1, 2, 3, 4, 5], 0.0625),
        ([1] * 10, 2**-9),
        ([0.3, 0.1, -0.2, 0.4, 0.5, 0.2], 0.125),
        ([0, 0, 0], 1.0),
        ([7], 1.0),
        ([1, -1], 1.0),
        ([0.1, 0.2, -0.3], 1.0),  # the sum seen is 5.6e-17, and other patterns make exactly 0
    ],
)
def test_sign_flips_have_their_known_answers(d, expected):
    """Sums that differ by rounding count as equal."""
    assert sign_flip(d) == expected


@pytest.mark.parametrize("seed", range(6))
def test_sign_flips_equal_an_enumeration(seed):
    """Whole numbers, so that ties are frequent and exact; divided by 10, so that they are not exact any more."""
    d = np.random.default_rng(seed).integers(-4, 7, size=2 + seed)
    assert sign_flip(d) == flipped(d.tolist())
    assert sign_flip(d / 10) == flipped(d.tolist())


def test_sign_flips_agree_with_scipy():
    """SciPy enumerates the same patterns."""
    d = np.random.default_rng(1).normal(0.4, size=8)
    theirs = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(d) == pytest.approx(theirs, abs=ROUNDING)


@pytest.mark.parametrize("n", [5, 6, 7, 8, 9, 10, 16])
def test_smallest_p_of_sign_flips(n):
    """Known answer: 2 to the 1 - n, which 5 seeds cannot bring below 0.05."""
    assert sign_flip(np.arange(1.0, n + 1)) == 2.0 ** (1 - n)


def test_sign_flips_of_many_seeds_are_drawn():
    """Seventeen seeds: the draws come near the enumeration, and p is never 0."""
    d = np.random.default_rng(2).normal(0.4, size=17)
    exact = flipped([round(v, 12) for v in d[:16]])
    assert sign_flip(d[:16]) == exact
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums + value, sums - value])
    # Four standard errors of 100,000 draws.
    expected = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-12)
    assert sign_flip(d, generator("study", "flips")) == pytest.approx(expected, abs=4 * math.sqrt(expected / 1e5))
    assert sign_flip(np.ones(60), generator("study", "flips")) == 1 / 100_001


def test_signed_ranks_agree_with_wilcoxon():
    """Without ties and zeros it is SciPy's exact test."""
    d = np.random.default_rng(3).normal(0.5, size=9)
    assert signed_ranks(d) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, abs=ROUNDING)


def test_signed_ranks_know_diverged_runs():
    """Infinite differences rank highest; whatever their size, six of one sign have the smallest p of six."""
    assert signed_ranks([math.inf] * 6) == 2**-5
    assert signed_ranks([math.inf, 1, 2, 3]) == signed_ranks([9, 1, 2, 3]) == 0.125
    assert signed_ranks([math.inf, -math.inf, 0]) == 1.0


def test_paired_t_has_its_known_answer_and_agrees_with_scipy():
    """The protocol prints four decimals."""
    assert paired_t([0.3, 0.1, -0.2, 0.4, 0.5, 0.2]) == pytest.approx(0.0856, abs=5e-5)
    a, b = np.random.default_rng(4).normal(size=(2, 7))
    assert paired_t(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-12)


def test_equal_differences_are_no_evidence_at_0_and_certain_elsewhere():
    """SciPy divides 0 by 0 here, and warns."""
    assert paired_t([0.0] * 5) == 1.0
    assert paired_t([0.01] * 5) == 0.0
    assert paired_t([0.1 + 0.2, 0.3, 0.3]) == 0.0


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02, 0.02, 0.5], [0.06, 0.06, 0.5]),
        ([0.6, 0.7], [1, 1]),
        ([0.04], [0.04]),
        ([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_holm_has_its_known_answers(p, expected):
    """Known answers of the protocol."""
    assert holm(p) == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_closure_of_bonferroni(seed):
    """A hypothesis falls when every set of hypotheses that holds it falls, each by Bonferroni's test."""
    p = np.round(np.random.default_rng(seed).random(5) ** 2, 2)
    sets = [s for k in range(1, 6) for s in itertools.combinations(range(5), k)]
    expected = [max(min(1, len(s) * min(p[list(s)])) for s in sets if i in s) for i in range(5)]
    assert holm(p) == pytest.approx(expected, abs=ROUNDING)


def test_holm_follows_the_order_of_comparisons():
    """Where a row stands in the table does not matter."""
    p = np.random.default_rng(6).random(8)
    order = np.random.default_rng(7).permutation(8)
    assert holm(p[order]) == np.array(holm(p))[order].tolist()
    assert (np.array(holm(p)) >= p).all()


def test_superiority_has_its_known_answers():
    """Known answers of the protocol: over all pairs, and seed by seed."""
    assert superiority([1, 2, 3], [2, 2, 4], paired=False) == pytest.approx(1 / 3)
    assert superiority([1, 2, 3], [2, 2, 4], paired=True) == pytest.approx(1 / 6)


@pytest.mark.parametrize("paired", [True, False])
def test_superiority_of_both_sides_adds_to_1(paired):
    """Ties are shared by halves, so that P(A > B) strictly, P(B > A) strictly and the ties add to 1."""
    a, b = np.random.default_rng(8).integers(5, size=(2, 9)).astype(float)
    a[0], b[1], a[2], b[2] = -math.inf, -math.inf, -math.inf, -math.inf
    assert superiority(a, b, paired=paired) + superiority(b, a, paired=paired) == pytest.approx(1)
    pairs = list(zip(a, b, strict=True)) if paired else list(itertools.product(a, b))
    strictly, ties = np.mean([x > y for x, y in pairs]), np.mean([x == y for x, y in pairs])
    assert superiority(a, b, paired=paired) == pytest.approx(strictly + ties / 2)


def test_superiority_is_mann_and_whitneys_statistic_and_knows_no_scale():
    """Only the order of the runs matters."""
    a, b = np.random.default_rng(9).normal(size=(2, 8))
    expected = stats.mannwhitneyu(a, b).statistic / 64
    assert superiority(a, b, paired=False) == pytest.approx(expected)
    assert superiority(np.exp(a), np.exp(b), paired=False) == pytest.approx(expected)
    assert superiority(a, a, paired=False) == superiority(a, a, paired=True) == 0.5


def test_two_runs_that_diverged_are_equal():
    """Infinity minus infinity is no number."""
    assert differences([math.inf, 2, math.inf], [math.inf, 3, 1]).tolist() == [0, -1, math.inf]
