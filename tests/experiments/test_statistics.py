"""Means, spreads and intervals have their known answers."""

import math

import pytest

from experiments.statistics import mean_interval, spread


def test_spread_of_a_few_values():
    """The deviation divides by n - 1."""
    summary = spread([1.0, 2.0, 3.0, 4.0])
    assert (summary.n, summary.mean, summary.low, summary.high) == (4, 2.5, 1.0, 4.0)
    assert summary.sd == pytest.approx(math.sqrt(5 / 3))


def test_interval_of_a_mean():
    """With three values the quantile of Student's t is 4.302653."""
    low, high = mean_interval([0.0, 1.0, 2.0])
    assert (low, high) == pytest.approx((1 - 4.302653 / math.sqrt(3), 1 + 4.302653 / math.sqrt(3)), rel=1e-6)


def test_equal_differences_have_an_interval_of_no_width():
    """Pairing takes the noise that both share out of the comparison."""
    assert mean_interval([0.01] * 5) == pytest.approx((0.01, 0.01))


def test_one_value_has_no_interval():
    """One seed says nothing about the spread."""
    assert all(map(math.isnan, mean_interval([0.5])))
