"""The figures of a search: every trial, how wide the good values reach, and how near the edge the best lies."""

import dataclasses
import math

import numpy as np
import pytest

from experiments import optimizers
from experiments.figures import canvas, rates, tuned
from experiments.tuning import choosing
from tests.experiments.figures.test_figures import CAPTION, STYLES, texts
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


def table_of(whole, dimension=tuned.RATE, **how):
    """The numbers of a figure of a search."""
    return tuned.table_of(whole, *searched(whole, **how), dimension)


def test_values_within_a_point_reach_as_far_as_they_are_linear_between_those_tried():
    """A tent that falls 2 points a decade loses one in half a decade, on either side."""
    tent = [(x, 0.9 - 0.02 * abs(math.log10(x) + 1)) for x in DECADE]
    found = tuned.width(tent, 0.01)
    assert math.log10(found.low) == pytest.approx(-1.5)
    assert math.log10(found.high) == pytest.approx(-0.5)
    assert not found.below
    assert not found.above


def test_values_that_are_good_to_the_end_of_those_tried_may_go_on():
    """The width is then at least what is told; a dip in between ends it."""
    flat = tuned.width([(x, 0.9) for x in DECADE], 0.01)
    assert (flat.low, flat.high, flat.below, flat.above) == (1e-3, 10.0, True, True)
    dipped = tuned.width(list(zip(DECADE, (0.9, 0.5, 0.905, 0.9, 0.9), strict=True)), 0.01)
    assert dipped.low > 1e-2
    assert dipped.above


def test_nothing_is_known_between_a_value_and_one_that_diverged():
    """The good values end at the last that did not; where all diverged there are none."""
    cliff = tuned.width(list(zip(DECADE, (0.1, 0.5, 0.9, -math.inf, -math.inf), strict=True)), 0.01)
    assert cliff.high == 1e-1
    assert not cliff.above
    assert tuned.width([(x, -math.inf) for x in DECADE], 0.01) is None


def test_the_numbers_alone_draw_the_figures_of_a_search_again(tmp_path):
    """Byte for byte, with what diverged, and both figures from one table."""
    whole = study()
    trials, choices = searched(whole)
    trials[0] = dataclasses.replace(trials[0], score=-math.inf, loss=math.inf)
    table = tuned.table_of(whole, trials, choices)
    for draw in (rates.draw_rates, rates.draw_relative):
        first = draw(table, STYLES, "accuracy", 0.002, CAPTION, tmp_path / "first")
        again = tuned.table_from(first[2].read_text(encoding="utf-8"))
        second = draw(again, STYLES, "accuracy", 0.002, CAPTION, tmp_path / "second")
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_choice_of_rates_is_drawn_with_its_trials(tmp_path):
    """The evidence is visible: every trial, the choice, the width in decades beside it and in the numbers."""
    whole = study()
    table = table_of(whole)
    words = texts(rates.draw_rates(table, STYLES, "accuracy", 0.002, CAPTION, tmp_path)[1])
    assert len(table) == 6
    for label in ("GD", "Adam"):
        first = next(row for row in table if row["optimizer"] == label)
        assert f"{label}: {first['chosen']:.3g}" in words
        assert f"{first['width_decades']:.1f} decades" in words
        assert first["width_decades"] == pytest.approx(math.log10(first["good_to"] / first["good_from"]))
        assert first["outermost"] == 0


def test_the_best_is_marked_where_it_is_the_outermost_tried(tmp_path):
    """Also where rule B7 has nothing to widen: no point of the scramble may lie in the outer tenth."""
    whole = study()
    table = table_of(whole, score=lambda search, point: 0.9 if point is outermost(search) else 0.5)
    assert {row["outermost"] for row in table} == {1}
    words = " ".join(texts(rates.draw_rates(table, STYLES, "accuracy", 0.002, CAPTION, tmp_path)[1]))
    assert words.count("best: the outermost") == 2


def outermost(search):
    """The point with the highest rate."""
    return max(search.points, key=lambda point: point.units[0])


def test_zones_are_the_outer_tenths_of_the_last_range():
    """Four decades around the default have outer tenths of 0.4 decades; a range that was widened has another end."""
    first = table_of(study())[0]
    assert first["low"] == pytest.approx(first["default"] / 100)
    assert math.log10(first["lower_zone"] / first["low"]) == pytest.approx(0.4)
    assert math.log10(first["high"] / first["upper_zone"]) == pytest.approx(0.4)
    trials, choices = searched(study(), lambda _, point: -point.units[0])
    widened = next(row for row in tuned.table_of(study(), trials, choices) if row["widenings"])
    assert widened["low"] < first["low"] / 5


def test_every_further_hyperparameter_that_was_tuned_has_a_figure_of_its_own(tmp_path, monkeypatch):
    """From ten points on also 1 - beta_1: of those that have it, over the values searched, and without a width."""
    monkeypatch.setattr(canvas, "DPI", 20)
    whole = study(budget="standard")
    trials, choices = searched(whole, lambda _, point: 0.9 - 0.1 * abs(point.units[0] - 0.5))
    assert tuned.dimensions(whole, trials) == ["learning_rate", "beta_1"]
    table = tuned.table_of(whole, trials, choices, "beta_1")
    assert {row["optimizer"] for row in table} == {"Adam"}
    assert {0.005 <= row["value"] <= 0.3 for row in table} == {True}
    first = table[0]
    assert first["default"] == pytest.approx(0.1)
    assert first["chosen"] == pytest.approx(1 - choices["Adam"].values["beta_1"])
    assert math.isnan(first["width_decades"])
    files = rates.draw_rates(table, STYLES, "accuracy", 0.002, CAPTION, tmp_path)
    assert files[0].name == "tuned_beta_1.png"
    assert "1 - beta 1 (logarithmic axis)" in texts(files[1])
    again = tuned.table_from(files[2].read_text(encoding="utf-8"))
    assert again[0]["chosen"] == first["chosen"]


def test_with_a_learning_rate_alone_there_is_one_figure_of_hyperparameters():
    """Fewer than ten points tune nothing else."""
    assert tuned.dimensions(study(), searched(study())[0]) == ["learning_rate"]


@pytest.mark.parametrize("diverged", [False, True])
def test_relative_rates_are_one_at_the_best(tmp_path, monkeypatch, diverged):
    """All optimizers meet there, and one whose trials all diverged is left out."""
    monkeypatch.setattr(canvas, "DPI", 20)
    trials, choices = searched(study())
    if diverged:
        trials = [dataclasses.replace(t, score=-math.inf) if t.label == "GD" else t for t in trials]
    table = tuned.table_of(study(), trials, choices)
    svg = rates.draw_relative(table, STYLES, "accuracy", 0.002, CAPTION, tmp_path)[1]
    assert any("multiple of the optimizer's own best" in word for word in texts(svg))
    assert any(word.startswith("GD  ") for word in texts(svg)) != diverged
    best = [row for row in table if row["value"] == row["chosen"]]
    assert {row["optimizer"] for row in best} == {"GD", "Adam"}


def test_the_library_says_what_an_optimizer_has_where_it_is_given_nothing():
    """Read from its rule, without importing TensorFlow."""
    assert optimizers.defaults("adam") | {"beta_1": 0.9, "beta_2": 0.999} == optimizers.defaults("adam")
    assert all(np.isfinite(value) for value in optimizers.defaults("adam").values())


def test_medians_are_over_the_runs_of_one_value():
    """Ascending, infinite where half of them diverged."""
    rows = [{"value": v, "score": s} for v, s in ((2.0, 0.5), (1.0, 0.1), (1.0, 0.3), (2.0, -math.inf))]
    assert tuned.medians(rows) == [(1.0, pytest.approx(0.2)), (2.0, -math.inf)]
