"""Rows of scores say what the runs say: ends, differences, ranks, and the best of k trials."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from experiments.analysis import score_rows, tuning_rows
from experiments.analysis.statistics.aggregates import friedman, mean_ranks
from experiments.report import Evidence
from tests.experiments.evidence import APART, SEEDS, THREE, evidence, result

LOST = {**THREE, "Momentum": [0.89, math.nan, 0.90, 0.91, 0.90]}


def rows_of(make, ends=LOST, **how):
    """The rows of a figure of scores."""
    whole = evidence(ends, **how)
    return make(whole, result(whole))


def test_every_run_has_its_error_and_says_who_is_tied():
    """In %, 1 minus the score; the interval is turned with it, and a diverged run leaves none."""
    table = rows_of(score_rows.seed_rows)
    assert len(table) == 3 * len(SEEDS)
    assert [row["error"] for row in table[:2]] == pytest.approx([10.0, 9.0])
    own = {row["optimizer"]: row for row in table}
    assert list(own) == ["Adam", "GD", "Momentum"], "the best mean first"
    assert [own[label]["tied"] for label in ("Adam", "GD")] == [True, False]
    assert own["Adam"]["mean"] == pytest.approx(9.2)
    assert own["Adam"]["low"] < 9.2 < own["Adam"]["high"]
    assert (own["Momentum"]["mean"], own["Momentum"]["diverged"]) == (math.inf, 1)


def test_a_loss_is_its_own_error(monkeypatch):
    """It has no share to lack."""
    task = dataclasses.replace(evidence(APART).task, lower_is_better=True, score_title="loss")
    monkeypatch.setattr(Evidence, "task", task)
    whole = evidence(THREE)
    first, *_ = score_rows.seed_rows(whole, result(whole))
    assert (first["error"], first["unit"]) == (first["score"], "")


def test_missing_runs_leave_no_mean():
    """But those that are there have rows."""
    table = rows_of(score_rows.seed_rows, {"GD": THREE["GD"], "Adam": [0.9, None, 0.92, 0.9, 0.91]})
    own = [row for row in table if row["optimizer"] == "Adam"]
    assert len(own) == 4
    assert all(math.isnan(row["mean"]) for row in own)


def test_differences_are_those_of_the_seeds():
    """Each seed's, with the verdict; a run that both lost is no difference."""
    table = rows_of(score_rows.differences_rows, THREE)
    own = [row["difference"] for row in table if row["optimizer"] == "GD"]
    assert own == pytest.approx([a - b for a, b in zip(THREE["Adam"], THREE["GD"], strict=True)])
    assert {row["says"].split()[0] for row in table} == {"worse†", "≈"}


def test_ranks_are_those_within_a_seed():
    """The best is first; a run that diverged is last."""
    table = rows_of(score_rows.map_rows)
    ranked = {(row["optimizer"], row["seed"]): row["rank"] for row in table}
    assert [ranked[label, 0] for label in ("Adam", "Momentum", "GD")] == [1, 2, 3]
    assert ranked["Momentum", 1] == 3
    assert sum(ranked.values()) == 6 * len(SEEDS)


RANKS = {"GD": 2.8, "Adam": 1.2, "Momentum": 2.0}


def test_a_critical_difference_needs_eight_problems():
    """Fewer have no rows."""
    with pytest.raises(ValueError, match="at least 8 problems"):
        score_rows.critical_rows(RANKS, "study", 7)
    assert [row["optimizer"] for row in score_rows.critical_rows(RANKS, "study", 9)] == ["Adam", "Momentum", "GD"]


def test_its_gap_is_that_of_the_studentized_range():
    """Nemenyi: q / sqrt(2) sqrt(k (k + 1) / 6N), q of k groups and infinitely many degrees of freedom."""
    (first, *_) = score_rows.critical_rows(RANKS, "study", 12)
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


def test_the_best_of_all_trials_is_the_best_trial():
    """At k = K nothing is left to chance; before, more trials never do worse."""
    table = [row for row in tuning_rows.best_of_rows(evidence(LOST)) if row["optimizer"] == "Adam"]
    expected = [row["expected"] for row in table]
    assert expected == sorted(expected)
    assert expected[-1] == pytest.approx(0.9)
    assert all(row["low"] <= row["expected"] <= row["high"] for row in table)
