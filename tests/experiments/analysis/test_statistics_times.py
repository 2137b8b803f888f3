"""A miss is infinity, and is counted wherever times are."""

import math

import numpy as np
import pytest

from experiments.analysis.statistics.times import speed_up, summarise_times, time_to_target, void

INF = math.inf
# Epochs at which DeepOBS's runs reach a test accuracy of 0.9198 on F-MNIST.
EPOCHS = {
    "SGD": [30, 33, 35, 35, 37, 38, 39, 40, 48, 71],
    "Momentum": [41, 46, 48, 49, 50, 51, 52, 52, INF, INF],
    "Adam": [22, 25, 28, 29, 41, 46, 47, 52, 55, 56],
}


@pytest.mark.parametrize(
    ("values", "target", "higher", "expected"),
    [
        ([0.1, 0.5, 0.9, 0.8], 0.9, True, 20.0),
        ([0.1, 0.5, 0.9, 0.8], 0.5, True, 10.0),
        ([0.1, 0.5, 0.9, 0.8], 0.91, True, INF),
        ([2.3, 0.4, 0.5, 0.2], 0.4, False, 10.0),
        ([2.3, 0.4, 0.5, 0.2], 0.1, False, INF),
        ([2.3, 0.4, 0.5, 0.2], 3.0, False, 0.0),
        ([2.3, math.nan, math.nan, 0.2], 0.5, False, 40.0),
        ([0.1, INF, math.nan, INF], 0.5, True, INF),
        ([2.3, -INF, math.nan, INF], 0.5, False, INF),
    ],
)
def test_the_first_evaluation_that_meets_the_target_counts(values, target, higher, expected):
    """To meet is enough, later losses of it do not matter, and what is no number meets nothing."""
    assert time_to_target([0, 10, 20, 40], values, target, higher_is_better=higher) == expected


@pytest.mark.parametrize(("label", "median", "misses"), [("SGD", 37.5, 0), ("Momentum", 50.5, 2), ("Adam", 43.5, 0)])
def test_medians_of_deepobs_epochs(label, median, misses):
    """Known answers of the protocol, in any order of the runs."""
    found = summarise_times(EPOCHS[label][::-1])
    assert (found.median, found.misses, found.n) == (median, misses, 10)


def test_quantiles_of_times_are_infinite_where_misses_are():
    """The median of (10, 20, inf, inf) is infinite: half of it is."""
    found = summarise_times([INF, 10, INF, 20])
    assert (found.low, found.median, found.high) == (17.5, INF, INF)
    assert summarise_times([INF, INF, INF]).low == INF
    assert summarise_times([4, 8, 6, INF, 2]).high == 8


def test_quantiles_of_finite_times_are_numpys():
    """By linear interpolation."""
    times = np.random.default_rng(1).random(9)
    found = summarise_times(times)
    assert (found.low, found.median, found.high) == pytest.approx(tuple(np.quantile(times, [0.25, 0.5, 0.75])))


def test_a_target_that_everybody_meets_at_once_is_void():
    """DeepOBS's target 73.50 on mnist_vae: all 30 runs meet it at epoch 1 of 50 (known mistake X3)."""
    why = void({label: [1] * 10 for label in EPOCHS}, 50)
    assert why == "half of the runs of SGD meet it within the first pass, of 50"


@pytest.mark.parametrize(
    ("met", "budget", "early"), [(1, 10, "pass"), (1.01, 10, None), (2, 100, "2 passes"), (2.01, 100, None)]
)
def test_at_once_is_the_first_pass_or_2_percent_of_the_budget(met, budget, early):
    """Whichever is longer; how many evaluations there were by then does not matter. The limit is part of it."""
    why = void({"A": [9, 9], "B": [met, met]}, budget)
    assert why == (early and f"half of the runs of B meet it within the first {early}, of {budget}")


def test_a_target_that_fewer_than_two_reach_is_void():
    """A single run in reach is enough for an optimizer to count."""
    assert void({"A": [9, INF], "B": [INF, INF]}, 50) == "only A ever reaches it"
    assert void({"A": [INF], "B": [INF]}, 50) == "no optimizer ever reaches it"
    assert void({"A": [9, INF, INF], "B": [INF, INF, 30]}, 50) is None
    assert void(EPOCHS, 100) is None


def test_speed_up_counts_a_miss_as_the_budget_and_a_step():
    """Known answer: the square root of 2 times 101 / 20."""
    assert speed_up([20, INF], [10, 20], [100, 100]) == pytest.approx(3.17805, abs=5e-6)
    assert speed_up([10, 20], [20, INF], [100, 100]) == pytest.approx(1 / 3.17805, abs=5e-6)
    assert speed_up([INF], [INF], [100]) == 1.0
