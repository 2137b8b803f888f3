"""Bootstrap draws agree with enumerations, pair what is paired, and keep fixed what is fixed."""

import itertools
import math

import numpy as np
import pytest

from experiments.analysis.statistics.resampling import (
    bootstrap,
    centres,
    expanded,
    expanded_tail,
    generator,
    percentile,
    stratified,
)
from experiments.analysis.statistics.summaries import iqm

ROUNDING = 1e-12
# 10,000 draws miss a distribution function by more with a chance of 3e-8 (Dvoretzky, Kiefer and Wolfowitz).
SAMPLING = 0.03


def rng(table="table"):
    """The random generator of a table."""
    return generator("study", table)


def distance(draws, outcomes):
    """Largest difference of two distribution functions."""
    # Equal sums in another order differ by rounding.
    draws, outcomes = np.round(draws, 9), np.round(outcomes, 9)
    places = np.unique(np.concatenate([draws, outcomes]))
    return max(abs(np.mean(draws <= place) - np.mean(outcomes <= place)) for place in places)


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0], [0.3, 0.1, 0.9, 0.2], [5.0]])
@pytest.mark.parametrize("statistic", [iqm, lambda v: v.mean(-1), lambda v: np.median(v, axis=-1)])
def test_draws_are_distributed_like_all_that_can_be_drawn(values, statistic):
    """A list of n seeds has n to the n draws, all equally likely."""
    every = np.array(list(itertools.product(values, repeat=len(values))))
    draws = bootstrap(values, rng(), statistic)
    assert draws.shape == (10_000,)
    assert distance(draws, statistic(every)) < SAMPLING


def test_stratified_draws_are_distributed_like_all_that_can_be_drawn():
    """Two problems with two seeds have 16 draws; pooled anew they would have 256."""
    problems = [[0.0, 1.0], [10.0, 14.0]]
    every = [
        np.mean([*a, *b])
        for a in itertools.product(problems[0], repeat=2)
        for b in itertools.product(problems[1], repeat=2)
    ]
    draws = stratified(problems, rng(), lambda v: v.mean(-1))
    assert distance(draws, every) < SAMPLING


def test_standard_error_of_the_mean_of_ten_numbers():
    """Known answer: the square root of 8.25 over that of 10."""
    # The deviation of 10,000 draws has a standard error of 1 / sqrt(20,000), 0.7 %; four of them.
    assert bootstrap(np.arange(10), rng()).std() == pytest.approx(0.908295, rel=0.028)


def test_a_constant_lead_has_an_interval_of_no_width_however_noisy_the_rest():
    """The same seeds are drawn for both; an unpaired bootstrap fails this."""
    b = np.random.default_rng(1).normal(size=10)
    ours, theirs = bootstrap([b + 0.01, b], rng())
    assert percentile(ours - theirs) == pytest.approx((0.01, 0.01), abs=ROUNDING)
    assert expanded(ours - theirs, 10) == pytest.approx((0.01, 0.01), abs=ROUNDING)
    assert np.ptp(ours) > 0.1


def test_problems_are_never_drawn_anew():
    """Problems that are constant over seeds give no width, though they differ; a plain bootstrap gives some."""
    scores = np.repeat([[0.1], [0.5], [0.9]], 4, axis=1)
    low, high = percentile(stratified(scores, rng()))
    assert low == high == iqm(scores.ravel())
    assert np.ptp(bootstrap(scores.ravel(), rng())) > 0


def test_every_row_gets_the_same_draws():
    """Rows that are equal stay equal, in both kinds of bootstrap."""
    row = np.random.default_rng(2).normal(size=(4, 6))
    one, other = stratified([row, row], rng())
    assert (one == other).all()
    assert (one == stratified(row, rng())).all()
    assert (bootstrap(row, rng())[2] == bootstrap(row[2], rng())).all()


def test_a_report_repeats_its_draws_and_no_two_tables_share_them():
    """The generator is the names of study and table."""
    values = np.arange(10.0)
    assert (bootstrap(values, rng()) == bootstrap(values, rng())).all()
    assert (bootstrap(values, rng()) != bootstrap(values, rng("other"))).any()
    assert (bootstrap(values, rng()) != bootstrap(values, generator("other", "table"))).any()


def test_draws_stay_what_they_were_in_earlier_releases():
    """Recorded; a change makes old reports differ from new ones of the same study."""
    assert generator("study", "table").integers(1000, size=5).tolist() == [389, 122, 600, 743, 604]


def test_percentiles_interpolate_between_draws():
    """Of 0 .. 100, a level of 0.9 cuts 5 at either end; of 0 .. 10, half a place."""
    assert percentile(np.arange(101.0), 0.9) == pytest.approx((5, 95))
    assert percentile(np.arange(11.0)[::-1], 0.9) == pytest.approx((0.5, 9.5))
    draws = np.random.default_rng(5).normal(size=1000)
    assert percentile(draws) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=ROUNDING)


@pytest.mark.parametrize(("n", "expected"), [(5, 0.000954), (10, 0.008551), (20, 0.015881)])
def test_tails_of_the_expanded_interval(n, expected):
    """Known answers of the protocol, with six decimals."""
    assert expanded_tail(n) == pytest.approx(expected, abs=5e-7)


def test_the_expanded_interval_comes_close_to_the_percentile_interval_with_many_seeds():
    """What 5 seeds lack, 100,000 have."""
    assert expanded_tail(100_000) == pytest.approx(0.025, abs=1e-5)


def test_intervals_follow_shift_scale_and_sign():
    """Units do not matter."""
    values = np.random.default_rng(6).normal(size=7)
    low, high = expanded(bootstrap(values, rng()), 7)
    assert expanded(bootstrap(3 + 2 * values, rng()), 7) == pytest.approx((3 + 2 * low, 3 + 2 * high), abs=ROUNDING)
    assert expanded(bootstrap(-values, rng()), 7) == pytest.approx((-high, -low), abs=ROUNDING)


def test_a_diverged_run_leaves_one_end_of_the_interval_open():
    """The mean may be as bad as can be, and is no better than the others allow."""
    low, high = percentile(bootstrap([-math.inf, 1.0, 2.0, 3.0, 4.0], rng()))
    assert low == -math.inf
    assert 1 < high < 4
    assert percentile(bootstrap([math.inf] * 3, rng())) == (math.inf, math.inf)


def test_diverged_runs_on_both_sides_leave_both_ends_open():
    """Their mean may be anything, and no claim can rest on it."""
    assert percentile(bootstrap([-math.inf, 1.0, math.inf], rng())) == (-math.inf, math.inf)


def test_beside_infinity_the_interval_takes_the_outer_draw():
    """Between a number and infinity there is no line to interpolate on."""
    draws = np.array([-math.inf, 1.0, 2.0, math.inf])
    assert percentile(draws, 0.5) == (-math.inf, math.inf)
    assert percentile(np.array([0.0, 1.0, 2.0, math.inf]), 0.5) == (0.75, math.inf)


def test_centres_tell_mean_median_and_interquartile_mean():
    """A bimodal case of DeepOBS (mnist_vae, SGD): the mean lies where no run is."""
    runs = [28.387, 29.203, 52.968, 29.315, 52.925, 28.672, 28.334, 28.868, 52.929, 52.959]
    found = centres({"SGD": runs, "Adam": [27.8] * 10}, rng())
    centre = found["SGD"]
    # The protocol prints three decimals.
    assert (centre.mean.value, centre.median, centre.iqm) == pytest.approx((38.456, 29.259, 36.985), abs=6e-4)
    assert centre.n == 10
    assert centre.mean.expanded.low < centre.mean.percentile.low < 38.456 < centre.mean.percentile.high
    assert found["Adam"].mean.percentile == pytest.approx((27.8, 27.8))


def test_centres_of_a_single_seed_have_no_expanded_interval():
    """The percentile interval of one seed is that seed, and the wider one does not exist."""
    centre = centres({"SGD": [0.5]}, rng())["SGD"]
    assert centre.mean.percentile == (0.5, 0.5)
    assert all(map(math.isnan, centre.mean.expanded))
