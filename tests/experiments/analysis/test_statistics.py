"""Means, spreads, interquartile means, normalised scores and the best of k have their known answers."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from experiments.analysis.statistics.resampling import best_of_band, generator
from experiments.analysis.statistics.summaries import best_of, iqm, mean, normalised, spread

# Sums of a few numbers near 1 differ in their last bits only.
ROUNDING = 1e-12


def test_spread_of_a_few_values():
    """The deviation divides by n - 1."""
    summary = spread([1.0, 2.0, 3.0, 4.0])
    assert (summary.n, summary.mean, summary.low, summary.high) == (4, 2.5, 1.0, 4.0)
    assert summary.sd == pytest.approx(math.sqrt(5 / 3))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(1, 9), 4.5),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 100], 4.5),  # the mean is 13.6
        (range(5), 2.0),
        ([0, 0, 1], 1 / 3),
        ([7], 7.0),
        ([-math.inf, 1, 2, 3], 1.5),  # one diverged run of four is cut
        ([-math.inf, -math.inf, 2, 3], -math.inf),  # a second is not
    ],
)
def test_interquartile_mean_leaves_a_quarter_out_at_either_end(values, expected):
    """The number left out is rounded down."""
    assert iqm(list(values)) == pytest.approx(expected, abs=ROUNDING)


def test_interquartile_mean_of_rows_is_that_of_each_row():
    """Only the last axis is reduced, whatever the order along it."""
    rows = np.random.default_rng(1).normal(size=(3, 4, 11))
    expected = [[np.mean(sorted(row)[2:-2]) for row in block] for block in rows]
    assert iqm(rows) == pytest.approx(np.array(expected), abs=ROUNDING)


def test_mean_of_infinities_of_both_signs_is_no_number():
    """No warning either, since those are errors here."""
    assert math.isnan(mean([math.inf, -math.inf]))


def test_scores_and_losses_are_normalised_by_the_same_formula():
    """0 is the value at step 0, 1 the best of the pool, and nothing lies outside."""
    assert normalised([0.1, 0.5, 0.9, 0.95, 0.0], 0.1, 0.9).tolist() == pytest.approx([0, 0.5, 1, 1, 0], abs=ROUNDING)
    assert normalised([[2.3, 1.3], [0.3, 9.0]], 2.3, 0.3) == pytest.approx(np.array([[0, 0.5], [1, 0]]), abs=ROUNDING)


@pytest.mark.parametrize(("bad", "start", "best"), [(-math.inf, 0.1, 0.9), (math.inf, 2.3, 0.3)])
def test_a_diverged_run_has_the_normalised_score_0(bad, start, best):
    """It is a result, not a gap."""
    assert normalised([bad], start, best).tolist() == [0.0]


def test_expected_best_of_k_trials():
    """Known answer of the protocol, in any order of the trials."""
    assert best_of([0.7, 0.1, 0.9, 0.4]).tolist() == pytest.approx([0.525, 0.75, 0.85, 0.9], abs=ROUNDING)


def test_expected_best_of_k_equals_the_mean_over_all_subsets():
    """The formula is an enumeration of subsets."""
    scores = np.random.default_rng(2).normal(size=7)
    scores[3] = scores[5]
    expected = [np.mean([max(subset) for subset in itertools.combinations(scores, k)]) for k in range(1, 8)]
    assert best_of(scores) == pytest.approx(expected, abs=ROUNDING)


def test_diverged_trials_spoil_the_best_of_k_until_one_must_be_good():
    """With two of four diverged, any three hold a good one."""
    assert best_of([0.4, -math.inf, 0.6, -math.inf]).tolist() == pytest.approx([-math.inf] * 2 + [0.55, 0.6])
    assert best_of([-math.inf]).tolist() == [-math.inf]


def test_best_of_fifty_trials_is_the_best():
    """Binomials of 50 do not overflow, and the curve never falls."""
    scores = np.random.default_rng(3).random(50)
    curve = best_of(scores)
    assert curve[0] == pytest.approx(scores.mean())
    assert curve[-1] == pytest.approx(scores.max())
    assert (np.diff(curve) > 0).all()


def test_band_of_the_best_of_k_holds_the_curve_and_narrows_towards_the_best():
    """The bootstrap can draw no better trial than the best one there was."""
    scores = [0.1, 0.4, 0.7, 0.9, 0.5, 0.6, 0.3, 0.8]
    band = best_of_band(scores, generator("study", "best of k"))
    assert [expected for expected, _ in band] == pytest.approx(best_of(scores).tolist())
    assert all(low <= expected <= high for expected, (low, high) in band)
    assert band[-1][1].high == 0.9
    assert band[-1][1].high - band[-1][1].low < band[0][1].high - band[0][1].low


def test_statistics_and_profiles_import_neither_tensorflow_nor_keras():
    """A table is made in a second where no training is near."""
    modules = "experiments.analysis.statistics.comparing, experiments.analysis.overview"
    asked = f"import sys, {modules}; print({{'tensorflow', 'keras'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
