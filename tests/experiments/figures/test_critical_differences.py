"""The critical-difference diagram has the numbers of the tests it stands for, and is refused where they say nothing."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.analysis.statistics import friedman, mean_ranks
from experiments.figures import canvas, critical
from tests.experiments.figures.test_figures import texts
from tests.experiments.figures.test_report_figures import CAPTION, STYLES

RANKS = {"GD": 2.8, "Adam": 1.2, "Momentum": 2.0}


def test_it_needs_eight_problems_and_two_optimizers():
    """Otherwise a sentence says so, in the place of the figure."""
    assert critical.refused(8, 3) == ""
    assert "needs 8 problems, and there are 7" in critical.refused(7, 3)
    assert "there is 1." in critical.refused(1, 3)
    assert "one optimizer" in critical.refused(8, 1)
    with pytest.raises(ValueError, match="at least 8 problems"):
        critical.table_of(RANKS, "study", 7)


def test_its_gap_is_that_of_the_studentized_range():
    """Nemenyi: q / sqrt(2) sqrt(k (k + 1) / 6N), q of k groups and infinitely many degrees of freedom."""
    (first, *_) = critical.table_of(RANKS, "study", 12)
    q = stats.studentized_range.ppf(0.95, 3, math.inf)
    assert first["critical_difference"] == pytest.approx(q / math.sqrt(2) * math.sqrt(3 * 4 / (6 * 12)))
    assert first["critical_difference"] == pytest.approx(
        2.343 * math.sqrt(3 * 4 / (6 * 12)), abs=1e-3
    )  # Demšar's table


def test_its_ranks_are_those_of_friedmans_test():
    """The statistic from mean ranks alone, as Demšar writes it, has SciPy's p where nothing ties."""
    generator = np.random.default_rng(0)
    scores = {label: generator.normal(shift, 1, 10) for label, shift in (("a", 0.0), ("b", 0.5), ("c", 1.0))}
    ranks, k, n = mean_ranks(scores), 3, 10
    statistic = 12 * n / (k * (k + 1)) * (sum(rank**2 for rank in ranks.values()) - k * (k + 1) ** 2 / 4)
    assert stats.chi2.sf(statistic, k - 1) == pytest.approx(friedman(scores))


def test_bars_hold_together_the_longest_runs_that_are_not_told_apart():
    """A run inside another has no bar of its own, and a difference of the gap itself is told."""
    assert critical.cliques([1.0, 1.5, 2.0, 3.5], 1.2) == [(0, 2)]
    assert critical.cliques([1.0, 2.0, 3.0], 1.0) == []
    assert critical.cliques([1.0, 1.9, 2.8, 3.7], 1.0) == [(0, 1), (1, 2), (2, 3)]


def test_names_and_ranks_are_written_and_the_numbers_draw_it_again(tmp_path):
    """Best first; byte for byte from the CSV."""
    table = critical.table_of(RANKS, "study", 9)
    assert [row["optimizer"] for row in table] == ["Adam", "Momentum", "GD"]
    first = critical.draw(table, STYLES, CAPTION, tmp_path / "first")
    assert {"Adam  1.20", "GD  2.80", "critical difference 1.10"} <= set(texts(first[1]))
    again = critical.table_from(first[2].read_text(encoding="utf-8"))
    second = critical.draw(again, STYLES, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_gap_wider_than_the_axis_is_said(tmp_path, monkeypatch):
    """Two optimizers on eight problems can differ by less than it at most."""
    monkeypatch.setattr(canvas, "DPI", 20)
    table = [{**row, "critical_difference": 5.0} for row in critical.table_of(RANKS, "study", 8)]
    words = texts(critical.draw(table, STYLES, CAPTION, tmp_path)[1])
    assert "critical difference 5.00 (more than the axis)" in words
