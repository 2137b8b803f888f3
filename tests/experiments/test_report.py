"""The result table says what the records say, and no more."""

import math

import pytest

from experiments import report
from experiments.selection import Choice
from experiments.tables import from_csv
from tests.experiments.small import record, study

CHOICES = {
    label: Choice({"learning_rate": 0.01}, (0.001, 0.1), 0, label == "GD", 0.9, (3, 3)) for label in ("GD", "Adam")
}


def table(gd, adam):
    """The rows for final accuracies, one list of curves an optimizer."""
    found = [record("GD", curve, seed=seed) for seed, curve in enumerate(gd)]
    found += [record("Adam", curve, seed=seed) for seed, curve in enumerate(adam)]
    return report.rows(study(), found, CHOICES)


def test_the_highest_mean_comes_first():
    """The order is by the mean test accuracy after the last pass."""
    rows = table([(0.1, 0.5), (0.1, 0.7)], [(0.1, 0.9), (0.1, 0.95)])
    assert [row.label for row in rows] == ["Adam", "GD"]
    assert rows[0].final.mean == pytest.approx(0.915)


def test_a_diverged_run_is_counted_and_never_averaged_away():
    """A mean over the surviving seeds would flatter the optimizer."""
    rows = table([(0.1, 0.5), (0.1, 0.5)], [(0.1, 0.99), (0.1, math.nan)])
    assert [row.label for row in rows] == ["GD", "Adam"]
    assert (rows[1].diverged, rows[1].runs, rows[1].final) == (1, 2, None)
    assert "1 of 2 diverged" in report.cells(rows[1])


def test_best_by_rule_is_read_off_at_the_best_validation_pass():
    """The test split has no say in which pass is taken."""
    rows = table([(0.1, 0.2)] * 2, [(0.1, 0.9, 0.8)] * 2)
    assert rows[0].by_rule.mean == pytest.approx(0.89)
    assert rows[0].final.mean == pytest.approx(0.79)


def test_a_difference_within_the_noise_is_called_a_tie():
    """Tie is a possible result."""
    rows = table([(0.1, 0.89), (0.1, 0.93)], [(0.1, 0.92), (0.1, 0.91)])
    assert report.cells(rows[1])[4].endswith("≈")


def test_a_difference_beyond_the_noise_is_not_called_a_tie():
    """The same difference with every seed is no noise."""
    rows = table([(0.1, 0.5), (0.1, 0.51)], [(0.1, 0.9), (0.1, 0.91)])
    assert not report.cells(rows[1])[4].endswith("≈")


def test_a_rate_at_the_edge_is_marked():
    """The reader is told where tuning may have missed the best."""
    rows = table([(0.1, 0.5)] * 2, [(0.1, 0.9)] * 2)
    assert report.cells(rows[1])[1] == "0.01 (edge)"


def test_one_seed_is_shown_without_spread():
    """No deviation is made up."""
    rows = table([(0.1, 0.5)], [(0.1, 0.9)])
    assert report.cells(rows[0])[2] == "0.890 (1 seed)"


def test_markdown_has_a_row_for_each_optimizer_and_all_notes():
    """The table can be pasted into a page."""
    text = report.markdown(table([(0.1, 0.5)] * 2, [(0.1, 0.9)] * 2), "Results", ["a note"])
    lines = text.splitlines()
    assert lines[0] == "# Results"
    assert [line.split("|")[1].strip() for line in lines[4:6]] == ["Adam", "GD"]
    assert "- a note" in lines


def test_csv_has_the_unrounded_numbers():
    """What is rounded for reading can be had in full."""
    rows = from_csv(report.as_csv(table([(0.1, 0.5)] * 2, [(0.1, 1 / 3)] * 2), [record()]))
    assert float(rows[1]["test_accuracy_mean"]) == 1 / 3 - 0.01
    assert {(row["data"], row["model"]) for row in rows} == {("mnist_5k", "mnist_mlp")}
