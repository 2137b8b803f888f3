"""Rows of a search: every trial, how wide the good values reach, and how near the edge the best lies."""

import math

import numpy as np
import pytest

from experiments import optimizers
from experiments.analysis import tuning_rows
from experiments.tuning import choosing
from tests.experiments.small import middle, study

DECADE = [1e-3, 1e-2, 1e-1, 1.0, 10.0]


def searched(whole, score=lambda search, point: 0.9 if point.index == middle(search) else 0.5):
    """The tuning trials of a study whose scores are given by a function, and what they lead to."""
    trials, choices = [], {}
    for entry in whole.optimizers:
        settled = choosing.settle(whole, entry, trials)
        while isinstance(settled, list):
            for search in settled:
                trials += [
                    choosing.Trial(
                        entry.label, point.values["learning_rate"], seed, score(search, point), 1.0,
                        **choosing.place(search, point),
                    )
                    for point in search.points
                    for seed in whole.tuning.seeds
                ]  # fmt: skip
            settled = choosing.settle(whole, entry, trials)
        choices[entry.label] = settled
    return trials, choices


def table_of(whole, dimension=tuning_rows.RATE, **how):
    """The numbers of a figure of a search."""
    return tuning_rows.tuning_rows(whole, *searched(whole, **how), dimension)


def test_values_within_a_point_reach_as_far_as_they_are_linear_between_those_tried():
    """A tent that falls 2 points a decade loses one in half a decade, on either side."""
    tent = [(x, 0.9 - 0.02 * abs(math.log10(x) + 1)) for x in DECADE]
    found = tuning_rows.width(tent, 0.01)
    assert math.log10(found.low) == pytest.approx(-1.5)
    assert math.log10(found.high) == pytest.approx(-0.5)
    assert not found.below
    assert not found.above


def test_values_that_are_good_to_the_end_of_those_tried_may_go_on():
    """The width is then at least what is told; a dip in between ends it."""
    flat = tuning_rows.width([(x, 0.9) for x in DECADE], 0.01)
    assert (flat.low, flat.high, flat.below, flat.above) == (1e-3, 10.0, True, True)
    dipped = tuning_rows.width(list(zip(DECADE, (0.9, 0.5, 0.905, 0.9, 0.9), strict=True)), 0.01)
    assert dipped.low > 1e-2
    assert dipped.above


def test_nothing_is_known_between_a_value_and_one_that_diverged():
    """The good values end at the last that did not; where all diverged there are none."""
    cliff = tuning_rows.width(list(zip(DECADE, (0.1, 0.5, 0.9, -math.inf, -math.inf), strict=True)), 0.01)
    assert cliff.high == 1e-1
    assert not cliff.above
    assert tuning_rows.width([(x, -math.inf) for x in DECADE], 0.01) is None


def test_zones_are_the_outer_tenths_of_the_last_range():
    """Four decades around the default have outer tenths of 0.4 decades; a range that was widened has another end."""
    first = table_of(study())[0]
    assert first["low"] == pytest.approx(first["default"] / 100)
    assert math.log10(first["lower_zone"] / first["low"]) == pytest.approx(0.4)
    assert math.log10(first["high"] / first["upper_zone"]) == pytest.approx(0.4)
    trials, choices = searched(study(), lambda _, point: -point.units[0])
    widened = next(row for row in tuning_rows.tuning_rows(study(), trials, choices) if row["widenings"])
    assert widened["low"] < first["low"] / 5


def test_every_further_hyperparameter_that_was_tuned_has_rows_of_its_own():
    """From ten points on also 1 - beta_1: of those that have it, over the values searched, and without a width."""
    whole = study(budget="standard")
    trials, choices = searched(whole, lambda _, point: 0.9 - 0.1 * abs(point.units[0] - 0.5))
    assert tuning_rows.dimensions(whole, trials) == ["learning_rate", "beta_1"]
    table = tuning_rows.tuning_rows(whole, trials, choices, "beta_1")
    assert {row["optimizer"] for row in table} == {"Adam"}
    assert {0.005 <= row["value"] <= 0.3 for row in table} == {True}
    first = table[0]
    assert first["default"] == pytest.approx(0.1)
    assert first["chosen"] == pytest.approx(1 - choices["Adam"].values["beta_1"])
    assert math.isnan(first["width_decades"])


def test_with_a_learning_rate_alone_there_is_one_figure_of_hyperparameters():
    """Fewer than ten points tune nothing else."""
    assert tuning_rows.dimensions(study(), searched(study())[0]) == ["learning_rate"]


def test_the_library_says_what_an_optimizer_has_where_it_is_given_nothing():
    """Read from its rule, without importing TensorFlow."""
    assert optimizers.defaults("adam") | {"beta_1": 0.9, "beta_2": 0.999} == optimizers.defaults("adam")
    assert all(np.isfinite(value) for value in optimizers.defaults("adam").values())


def test_what_a_rate_loses_is_told_against_the_best():
    """In points of an accuracy, at a multiple of 1 nothing; in % of a loss, infinitely much where a run diverged."""
    rows = tuning_rows.lost_rows(table_of(study()))
    at = {row["multiple"]: row["lost"] for row in rows if row["optimizer"] == "Adam"}
    assert at.pop(1.0) == 0.0
    assert list(at.values()) == pytest.approx([40.0] * len(at))
    losses = [
        {**row, "score": math.inf if row["value"] > row["chosen"] else 2.0 - row["score"], "higher_is_better": False}
        for row in table_of(study())
    ]
    lost = {row["multiple"]: row["lost"] for row in tuning_rows.lost_rows(losses) if row["optimizer"] == "Adam"}
    assert {lost[m] for m in lost if m > 1} == {math.inf}
    assert {round(lost[m], 6) for m in lost if m < 1} == {round(100 * 0.4 / 1.1, 6)}


def points(*found, **more):
    """Rows of one optimizer: value, score and the number of the widening of each point."""
    row = {"data": "d", "model": "m", "optimizer": "Adam", "chosen": 1.0, "higher_is_better": True, "round": 0}
    return [
        {**row, **more, "index": i, "value": value, "score": score, "widenings": widenings}
        for i, (value, score, widenings) in enumerate(found)
    ]


def test_among_other_hyperparameters_a_rate_is_as_good_as_the_best_that_is_no_nearer():
    """Known answer: other values of neighbours do not make the line jump, and the width is the line's; of all alike."""
    found = (
        (0.01, 0.2, 0),
        (0.1, 0.895, 0),
        (0.3, 0.4, 0),
        (1.0, 0.9, 0),
        (2.0, -math.inf, 0),
        (3.0, 0.3, 0),
        (9.0, 0.5, 0),
    )
    alone = points(*found, tuned=1)
    among = points(*found, tuned=2, optimizer="Momentum")
    for table, lost, width in (
        (alone, [70, 0.5, 50, 0, math.inf, 60, 40], 0.02 * math.log10(1 / 0.3)),
        ([*alone, *among], 2 * [70, 0.5, 0.5, 0, 40, 40, 40], 1 + 0.005 / 0.695 + 0.025 * math.log10(2)),
    ):
        rows = tuning_rows.lost_rows(table)
        assert [one["lost"] for one in rows] == pytest.approx(lost)
        assert [one["width_decades"] for one in rows] == pytest.approx([width] * len(rows))


def test_a_rate_of_several_points_has_the_score_of_the_best():
    """A search that was widened in the momentum alone tries each rate again, with another one."""
    rows = points((1.0, 0.98, 0), (1.0, 0.988, 1), (2.0, -math.inf, 0), (2.0, 0.9, 1), tuned=2)
    assert tuning_rows.tried(rows) == [(1.0, 0.988), (2.0, 0.9)]
    losses = [{**row, "score": -row["score"], "higher_is_better": False} for row in rows]
    assert tuning_rows.tried(losses) == [(1.0, -0.988), (2.0, -0.9)]


def test_multiples_are_those_of_the_best_rate_that_was_tried():
    """The chosen one, which the last search has, may lose something against one of an earlier search."""
    rows = tuning_rows.lost_rows(points((1.0, 0.8, 1), (2.0, 0.9, 0), tuned=1))
    assert [(row["multiple"], row["lost"]) for row in rows] == [(0.5, pytest.approx(10)), (1.0, 0)]


def test_nothing_is_told_where_all_diverged():
    """There is no best rate."""
    assert tuning_rows.lost_rows(points((1.0, -math.inf, 0), (2.0, -math.inf, 0), tuned=1)) == []


def test_medians_are_over_the_runs_of_one_point():
    """Ascending, infinite where half of them diverged."""
    rows = points((2.0, 0.5, 0), (1.0, 0.1, 0), tuned=1)
    more = [{**row, "score": score} for row, score in zip(rows, (-math.inf, 0.3), strict=True)]
    assert tuning_rows.tried([*rows, *more]) == [(1.0, pytest.approx(0.2)), (2.0, -math.inf)]
