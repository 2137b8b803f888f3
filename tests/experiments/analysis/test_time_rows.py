"""Times to a target are told with their misses and speed-ups, and not at all where the target is void."""

import dataclasses
import math

import pytest

from experiments.analysis import time_rows
from experiments.analysis.time_rows import Target, provisional, targets
from experiments.figures.times import speed_words
from tests.experiments.evidence import APART, NOISE, THREE, evidence
from tests.experiments.figures.drawn import reading

NEVER = math.inf
REACHED = {"GD": [6.0, 8.0, NEVER], "Adam": [2.0, 3.0, 4.0], "Momentum": [NEVER, NEVER, 5.0]}


def level(epochs=None, share=1.0, void=""):
    """A level of a target with the epochs of three seeds."""
    given = epochs or REACHED
    return Target(share, 0.9, void, {label: dict(enumerate(values)) for label, values in given.items()})


def table_of(*levels):
    """The numbers of the figures of some levels, of a study of ten epochs."""
    whole = evidence(THREE)
    whole = dataclasses.replace(whole, study=dataclasses.replace(whole.study, epochs=10))
    return time_rows.time_rows(whole, levels)


def test_the_reference_is_the_first_usual_optimizer_that_is_there():
    """AdamW before Adam before SGD; without any of them nothing is compared."""
    entries = evidence(THREE).study.optimizers
    assert time_rows.reference_of(entries) == "Adam"
    named = [dataclasses.replace(entries[0], label="W", optimizer="adamw"), *entries]
    assert time_rows.reference_of(named) == "W"
    assert time_rows.reference_of(entries[:1]) == ""
    without = dataclasses.replace(evidence({"GD": THREE["GD"]}))
    table = time_rows.time_rows(without, [level({"GD": REACHED["GD"]})])
    assert all(math.isnan(row["speed_up"]) for row in table)
    assert "Above" not in reading("time_to_target", without, table)


def test_a_speed_up_is_the_medians_ratio_and_a_miss_is_the_budget_and_one_epoch():
    """Adam's 3 epochs against GD's 8 and Momentum's never, 11; a median that is never gives a bound only."""
    row = {row["optimizer"]: row for row in table_of(level())}
    assert row["GD"]["speed_up"] == pytest.approx(3 / 8)
    assert row["Momentum"]["speed_up"] == pytest.approx(3 / 11)
    assert [speed_words(row[label]) for label in ("Adam", "GD", "Momentum")] == ["1 x", "0.38 x", "≤ 0.27 x"]
    late = {"GD": [4.0] * 3, "Adam": [NEVER] * 3, "Momentum": [NEVER] * 3}
    other = {row["optimizer"]: row for row in table_of(level(late))}
    assert [speed_words(other[label]) for label in ("GD", "Adam")] == ["≥ 2.8 x", ""]


def test_times_of_real_levels_stand_at_their_epochs():
    """The table has a row for each level, optimizer and seed, with the budget that misses are counted by."""
    whole = evidence(THREE, target=0.9)
    table = time_rows.time_rows(whole, targets(whole))
    assert len(table) == 3 * 3 * 5
    assert {row["budget"] for row in table} == {whole.study.epochs}


def problems(**epochs):
    """Medians of epochs on several problems of a budget of 100 epochs, for some optimizers."""
    return [
        {"study": "s", "data": "d", "model": "m", "problem": str(i), "void": "", "budget": 100, "optimizer": label,
         "epochs": float(value)}
        for label, values in epochs.items()
        for i, value in enumerate(values)
    ]  # fmt: skip


def test_speed_ups_over_problems_are_geometric_means():
    """The protocol's example: reference 20 and a miss at 100, other 10 and 20, sqrt(2 x 101 / 20) = 3.17805."""
    table = time_rows.speed_rows(problems(Adam=(20, NEVER), GD=(10, 20)), "Adam")
    assert table[0]["optimizer"] == "GD"
    assert table[0]["mean_speed_up"] == pytest.approx(3.17805, abs=5e-6)
    assert [row["speed_up"] for row in table[:2]] == pytest.approx([2, 5.05])


def test_speed_ups_leave_out_problems_whose_target_is_void():
    """And there are none without a reference, or where all are."""
    rows = problems(Adam=(20, 1), GD=(10, 1))
    rows = [{**row, "void": "too easy" if row["problem"] == "1" else ""} for row in rows]
    assert {row["problem"] for row in time_rows.speed_rows(rows, "Adam")} == {"0"}
    assert time_rows.speed_rows(rows, "") == []
    assert time_rows.speed_rows([{**row, "void": "too easy"} for row in rows], "Adam") == []


def test_void_levels_are_named_and_give_no_speed_up():
    """They tell who starts faster, and would look like times."""
    table = table_of(level(share=0.9, void="all too soon"), level())
    assert "Void, 90% of the way (0.9): all too soon." in reading("time_to_target", evidence(THREE), table)
    assert all(math.isnan(row["speed_up"]) for row in table if row["void"])


def test_a_target_is_reached_in_the_first_epoch_that_meets_it():
    """Linear curves in three epochs: 90 % and 97 % of the way are met in the last one, a miss is infinite."""
    whole = evidence(THREE, target=0.9)
    levels = targets(whole)
    # Every run starts at 0.1, as the small records do.
    assert [level.value for level in levels] == pytest.approx([0.1 + share * 0.8 for share in (0.9, 0.97, 1.0)])
    assert set(levels[0].epochs["Adam"].values()) == {3.0}
    assert set(levels[0].epochs["GD"].values()) == {math.inf}
    assert not levels[2].void


def test_a_provisional_target_favours_nobody():
    """It is the median over optimizers of their medians over seeds, of the best validation scores."""
    assert provisional(evidence(THREE)) == pytest.approx(0.91)  # of 0.51, 0.92 and 0.91
    whole = evidence({**THREE, "GD": [*THREE["GD"][:4], None]})
    assert targets(whole) == []


def test_profiles_are_refused_where_they_would_say_nothing():
    """With one optimizer, where all begin at the target, and where nobody gets there."""
    assert time_rows.drawable(time_rows.time_rows(evidence(NOISE), targets(evidence(NOISE))))
    for ends, goal in (({"GD": APART["GD"]}, 0.5), (NOISE, 0.05), (NOISE, 0.999)):
        assert not time_rows.drawable(time_rows.time_rows(evidence(ends), targets(evidence(ends, target=goal))))
