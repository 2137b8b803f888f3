"""Times to a target are told with their misses, their speed-ups, and nothing at all where the target is void."""

import dataclasses
import math

import pytest

from experiments.analysis.levels import Target, targets
from experiments.figures import canvas, speed, times
from tests.experiments.evidence import THREE, evidence
from tests.experiments.figures.test_figures import texts
from tests.experiments.figures.test_report_figures import CAPTION, STYLES

NEVER = math.inf
REACHED = {"GD": [6.0, 8.0, NEVER], "Adam": [2.0, 3.0, 4.0], "Momentum": [NEVER, NEVER, 5.0]}


def level(epochs=None, share=1.0, void=""):
    """A level of a target with the passes of three seeds."""
    given = epochs or REACHED
    return Target(share, 0.9, void, {label: dict(enumerate(values)) for label, values in given.items()})


def table_of(*levels):
    """The numbers of the figures of some levels, of a study of ten passes."""
    whole = evidence(THREE)
    whole = dataclasses.replace(whole, study=dataclasses.replace(whole.study, epochs=10))
    return times.table_of(whole, levels)


def test_the_reference_is_the_first_usual_optimizer_that_is_there():
    """AdamW before Adam before SGD; without any of them nothing is compared."""
    entries = evidence(THREE).study.optimizers
    assert times.reference_of(entries) == "Adam"
    named = [dataclasses.replace(entries[0], label="W", optimizer="adamw"), *entries]
    assert times.reference_of(named) == "W"
    assert times.reference_of(entries[:1]) == ""
    without = dataclasses.replace(evidence({"GD": THREE["GD"]}))
    table = times.table_of(without, [level({"GD": REACHED["GD"]})])
    assert all(math.isnan(row["speed_up"]) for row in table)
    assert "Above" not in times.how(table)


def test_a_speed_up_is_the_medians_ratio_and_a_miss_is_the_budget_and_one_pass():
    """Adam's 3 passes against GD's 8 and Momentum's never, 11; a median that is never gives a bound only."""
    row = {row["optimizer"]: row for row in table_of(level())}
    assert row["GD"]["speed_up"] == pytest.approx(3 / 8)
    assert row["Momentum"]["speed_up"] == pytest.approx(3 / 11)
    assert [times.speed_words(row[label]) for label in ("Adam", "GD", "Momentum")] == ["1 x", "0.38 x", "≤ 0.27 x"]
    late = {"GD": [4.0] * 3, "Adam": [NEVER] * 3, "Momentum": [NEVER] * 3}
    other = {row["optimizer"]: row for row in table_of(level(late))}
    assert [times.speed_words(other[label]) for label in ("GD", "Adam")] == ["≥ 2.8 x", ""]


def test_misses_are_written_and_reach_no_further_than_they_did(tmp_path):
    """In the bar, and at the ends of the shares."""
    table = table_of(level())
    words = texts(times.draw(table, STYLES, CAPTION, tmp_path)[1])
    assert "not reached 1/3" in words
    assert "not reached 2/3" in words
    assert "times as fast as Adam" in words
    shares = texts(times.draw_shares(table, STYLES, CAPTION, tmp_path)[1])
    assert {"GD  2/3", "Adam  3/3", "Momentum  1/3"} <= set(shares)


def test_void_levels_are_named_and_not_drawn(tmp_path):
    """They tell who starts faster, and would look like times."""
    table = table_of(level(share=0.9, void="all too soon"), level())
    words = " ".join(texts(times.draw(table, STYLES, CAPTION, tmp_path)[1]))
    assert "100% of the way" in words
    assert "90% of the way" not in words
    assert "Void, 90% of the way (0.9): all too soon." in times.how(table)
    assert all(math.isnan(row["speed_up"]) for row in table if row["void"])


@pytest.mark.parametrize("draw", [times.draw, times.draw_shares])
def test_the_numbers_alone_draw_times_again(tmp_path, draw):
    """Byte for byte, void levels among them."""
    first = draw(table_of(level(share=0.9, void="all too soon"), level()), STYLES, CAPTION, tmp_path / "first")
    table = times.table_from(first[2].read_text(encoding="utf-8"))
    second = draw(table, STYLES, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_times_of_real_levels_stand_at_their_passes():
    """The table has a row for each level, optimizer and seed, with the budget that misses are counted by."""
    whole = evidence(THREE, target=0.9)
    table = times.table_of(whole, targets(whole))
    assert len(table) == 3 * 3 * 5
    assert {row["budget"] for row in table} == {whole.study.epochs}


def problems(**epochs):
    """Medians of passes on several problems of a budget of 100 passes, for some optimizers."""
    return [
        {"study": "s", "data": "d", "model": "m", "problem": str(i), "void": "", "budget": 100, "optimizer": label,
         "epochs": float(value)}
        for label, values in epochs.items()
        for i, value in enumerate(values)
    ]  # fmt: skip


def test_speed_ups_over_problems_are_geometric_means(tmp_path):
    """The protocol's example: reference 20 and a miss at 100, other 10 and 20, sqrt(2 x 101 / 20) = 3.17805."""
    table = speed.table_of(problems(Adam=(20, NEVER), GD=(10, 20)), "Adam")
    assert table[0]["optimizer"] == "GD"
    assert table[0]["mean_speed_up"] == pytest.approx(3.17805, abs=5e-6)
    assert [row["speed_up"] for row in table[:2]] == pytest.approx([2, 5.05])
    words = texts(speed.draw(table, STYLES, CAPTION, tmp_path)[1])
    assert "3.2 x" in words
    assert "1 x, 1 not reached" in words


def test_speed_ups_leave_out_problems_whose_target_is_void():
    """And there are none without a reference, or where all are."""
    rows = problems(Adam=(20, 1), GD=(10, 1))
    rows = [{**row, "void": "too easy" if row["problem"] == "1" else ""} for row in rows]
    assert {row["problem"] for row in speed.table_of(rows, "Adam")} == {"0"}
    assert speed.table_of(rows, "") == []
    assert speed.table_of([{**row, "void": "too easy"} for row in rows], "Adam") == []


def test_the_numbers_alone_draw_speed_ups_again(tmp_path, monkeypatch):
    """Byte for byte."""
    monkeypatch.setattr(canvas, "DPI", 20)
    first = speed.draw(speed.table_of(problems(Adam=(20, NEVER), GD=(10, 20)), "Adam"), STYLES, CAPTION, tmp_path)
    table = speed.table_from(first[2].read_text(encoding="utf-8"))
    second = speed.draw(table, STYLES, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
