"""Figures write what cannot be seen: verdicts, misses, divergence, units, and what is left out."""

import dataclasses
import math

import pytest

from experiments.analysis import cost_rows, score_rows, time_rows, tuning_rows
from experiments.analysis.time_rows import targets
from experiments.figures import costs, profiles, ranks, scales, scores, sensitivity, times, tuning
from experiments.figures.canvas import Context
from tests.experiments.analysis.test_cost_rows import NOT, RUN, TIMED, known, plain
from tests.experiments.analysis.test_score_rows import LOST, RANKS
from tests.experiments.analysis.test_time_rows import NEVER, level, problems, table_of
from tests.experiments.analysis.test_tuning_rows import searched
from tests.experiments.analysis.test_tuning_rows import table_of as tuned
from tests.experiments.evidence import APART, THREE, evidence, result
from tests.experiments.figures.drawn import CAPTION, STYLES, drawn, reading, words
from tests.experiments.small import study


def test_differences_have_their_verdicts(tmp_path):
    """Next to each optimizer's seeds."""
    rows = score_rows.differences_rows(evidence(THREE), result(evidence(THREE)))
    said = " ".join(words(scores.draw_differences, rows, tmp_path))
    assert "worse†" in said
    assert "≈" in said


def test_runs_have_their_numbers_and_an_axis_of_errors(tmp_path):
    """Mean and interval at the right; the number of runs in the heading, or in each row where they differ."""
    rows = score_rows.seed_rows(evidence(THREE), result(evidence(THREE)))
    said = words(scores.draw_seeds, rows, tmp_path)
    assert {"test error, % (log axis)", "mean [95 % CI], n = 5", "9.2 [8.2, 10.0]"} <= set(said)
    fewer = [{**row, "runs": 4} if row["optimizer"] == "GD" else row for row in rows]
    said = words(scores.draw_seeds, fewer, tmp_path)
    assert "mean [95 % CI], n" in said
    assert any(word.endswith("], 4") for word in said)


def test_a_row_without_a_mean_says_why(tmp_path):
    """A run diverged, or is missing."""
    lost = evidence(LOST)
    assert "1 of 5 diverged" in words(scores.draw_seeds, score_rows.seed_rows(lost, result(lost)), tmp_path)
    gone = evidence({"GD": APART["GD"], "Adam": [0.9, None, 0.92, 0.9, 0.91]})
    assert "4 runs, some missing" in words(scores.draw_seeds, score_rows.seed_rows(gone, result(gone)), tmp_path)


def test_a_loss_is_drawn_as_a_loss(tmp_path):
    """It has no unit, and its axis its name."""
    rows = score_rows.seed_rows(evidence(THREE), result(evidence(THREE)))
    rows = [{**row, "unit": "", **dict.fromkeys(("error", "mean", "low", "high"), 1e-5)} for row in rows]
    said = words(scores.draw_seeds, rows, tmp_path, score="loss")
    assert {"test loss", "1e-05 [1e-05, 1e-05]"} <= set(said)


def test_a_bracket_joins_those_that_tie_and_no_others(tmp_path):
    """A tick at the row of each; alone, the best has none."""
    rows = score_rows.seed_rows(evidence(THREE), result(evidence(THREE)))
    tied = drawn(scores.draw_seeds, rows, tmp_path)[1].read_text("utf-8")
    alone = [{**row, "tied": row["optimizer"] == "Adam"} for row in rows]
    without = drawn(scores.draw_seeds, alone, tmp_path)[1].read_text("utf-8")
    assert tied.count('<g id="line2d_') == without.count('<g id="line2d_') + 1 + 2


def test_misses_are_written_and_reach_no_further_than_they_did(tmp_path):
    """In the bar."""
    said = words(times.draw, table_of(level()), tmp_path)
    assert {"not reached 1/3", "not reached 2/3", "times as fast as Adam"} <= set(said)


def test_void_levels_are_not_drawn(tmp_path):
    """They tell who starts faster, and would look like times."""
    said = " ".join(words(times.draw, table_of(level(share=0.9, void="all too soon"), level()), tmp_path))
    assert "100% of the way" in said
    assert "90% of the way" not in said


def test_speed_ups_are_written_with_their_misses(tmp_path):
    """At the right of each row."""
    said = words(times.draw_speed_ups, time_rows.speed_rows(problems(Adam=(20, NEVER), GD=(10, 20)), "Adam"), tmp_path)
    assert {"3.2 x", "1 x, 1 not reached"} <= set(said)


def test_profiles_end_at_the_share_that_is_solved(tmp_path):
    """Momentum misses one of five; pairs stand beside the whole."""
    whole = evidence(LOST, target=0.85)
    table = time_rows.time_rows(whole, targets(whole))
    assert {"all", "without Adam", "data profile"} <= set(words(profiles.draw, time_rows.profile_rows(table), tmp_path))
    pairs = time_rows.pair_rows(table)
    assert {row["panel"] for row in pairs} == {"GD and Adam", "GD and Momentum", "Adam and Momentum"}
    assert any(word.startswith("Adam (") for word in words(profiles.draw_pairs, pairs, tmp_path))


@pytest.mark.parametrize(("seconds", "unit"), [(3600.0, "core hours"), (60.0, "core minutes")])
def test_times_are_told_in_hours_or_minutes(tmp_path, seconds, unit):
    """Whichever can be read; the parts that there are have names."""
    cost = dataclasses.replace(RUN, seconds=seconds)
    whole = {(kind, label): cost for kind in ("tuning", "evaluation") for label in ("GD", "Adam")}
    said = words(costs.draw_spent, cost_rows.spent_rows(dataclasses.replace(evidence(APART), costs=whole)), tmp_path)
    assert {unit, "tuning", "evaluation"} <= set(said)
    assert "without a result" not in said


def test_without_the_times_of_all_runs_gradients_are_drawn(tmp_path):
    """The evidence of a search has none, and a bar without them would be too short."""
    unknown = dataclasses.replace(RUN, seconds=math.nan)
    whole = known()
    table = cost_rows.spent_rows(dataclasses.replace(whole, costs={**whole.costs, ("tuning", "Adam"): unknown}))
    assert "no times" in reading("spent", whole, table)
    assert "millions of gradients of single examples" in words(costs.draw_spent, table, tmp_path)


def test_steps_are_multiples_of_those_of_plain_sgd(tmp_path):
    """Where it takes part."""
    assert {"x 50", "x 2", "x 1"} <= set(words(costs.draw_timing, cost_rows.timing_rows(plain()), tmp_path))
    assert not any(word.startswith("x ") for word in words(costs.draw_timing, cost_rows.timing_rows(TIMED), tmp_path))


def test_without_a_timing_pass_no_times_are_drawn(tmp_path):
    """But memory is."""
    said = " ".join(words(costs.draw, cost_rows.cost_rows(NOT, result(NOT)), tmp_path))
    assert "seconds of a step" not in said
    assert "bytes of state" in said


def test_a_frontier_leaves_out_who_is_beaten_in_both():
    """As cheap and worse, or dearer and no better."""
    rows = [("a", 1, 0.5), ("b", 1, 0.6), ("c", 2, 0.6), ("d", 3, 0.9), ("e", 4, 0.8)]
    table = [{"optimizer": n, "cost": cost, "score": score, "higher_is_better": True} for n, cost, score in rows]
    assert [row["optimizer"] for row in costs.frontier(table, "cost")] == ["b", "d"]
    losses = [{**row, "score": -row["score"], "higher_is_better": False} for row in table]
    assert [row["optimizer"] for row in costs.frontier(losses, "cost")] == ["b", "d"]


def test_the_choice_of_rates_is_drawn_with_its_trials(tmp_path):
    """The evidence is visible: every trial, the choice, the width in decades beside it and in the numbers."""
    table = tuned(study())
    said = words(tuning.draw_rates, table, tmp_path)
    assert len(table) == 6
    for label in ("GD", "Adam"):
        first = next(row for row in table if row["optimizer"] == label)
        assert f"{label}: {first['chosen']:.3g}" in said
        assert f"{first['width_decades']:.1f} decades" in said
        assert first["width_decades"] == pytest.approx(math.log10(first["good_to"] / first["good_from"]))
        assert first["outermost"] == 0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2e-5, 5.0, [1e-4, 1e-2, 1.0]),
        (0.004, 0.4, [0.01, 0.03, 0.1, 0.3]),
        (0.31, 0.4, []),
        (0.9, 4.0, [1.0, 2.0, 3.0]),
    ],
)
def test_places_are_round_and_as_many_as_there_is_room_for(low, high, expected):
    """Decades where there are three, else parts of them."""
    assert scales.round_places(low, high, most=4) == pytest.approx(expected)


def test_numbers_below_a_panel_stay_clear_of_the_next_one():
    """None within a twentieth of the panel's width from its ends."""
    context = Context(CAPTION, STYLES, "accuracy", 0.002)
    panel = tuning.draw_rates(tuned(study()), context).axes[0]
    low, high = (math.log10(end) for end in panel.get_xlim())
    places = [(math.log10(tick) - low) / (high - low) for tick in panel.get_xticks()]
    assert places
    assert 0.05 < min(places) <= max(places) < 0.95


def test_the_best_is_marked_where_it_is_the_outermost_tried(tmp_path):
    """After all widenings; no point of the scramble need lie in the outer tenth."""
    table = tuned(study(), score=lambda search, point: 0.9 if point is outermost(search) else 0.5)
    assert {row["outermost"] for row in table} == {1}
    assert " ".join(words(tuning.draw_rates, table, tmp_path)).count("best: the outermost") == 2


def outermost(search):
    """The point with the highest rate."""
    return max(search.points, key=lambda point: point.units[0])


def test_another_hyperparameter_has_its_name_on_the_axis(tmp_path):
    """As it was searched."""
    whole = study(budget="standard")
    trials, choices = searched(whole, lambda _, point: 0.9 - 0.1 * abs(point.units[0] - 0.5))
    table = tuning_rows.tuning_rows(whole, trials, choices, "beta_1")
    assert "1 - beta 1 (logarithmic axis)" in words(tuning.draw_rates, table, tmp_path)


@pytest.mark.parametrize("diverged", [False, True])
def test_relative_rates_meet_at_the_best(tmp_path, diverged):
    """All optimizers lose nothing there, each with its width at the end; one whose trials all diverged is left out."""
    trials, choices = searched(study())
    if diverged:
        trials = [dataclasses.replace(t, score=-math.inf) if t.label == "GD" else t for t in trials]
    table = tuning_rows.lost_rows(tuning_rows.tuning_rows(study(), trials, choices))
    said = words(sensitivity.draw, table, tmp_path)
    assert {"multiple of the best rate (log)", "validation accuracy lost, points"} <= set(said)
    assert any(word.startswith("GD  ") for word in said) != diverged
    assert {row["optimizer"] for row in table if row["lost"] == 0} == ({"Adam"} if diverged else {"GD", "Adam"})


def test_the_lowest_rate_that_diverged_has_a_cross(tmp_path):
    """At the upper edge; those that are lower than the best have none."""
    table = tuning_rows.lost_rows(tuned(study()))
    high = [{**row, "lost": math.inf} if row["multiple"] > 1 else row for row in table]
    plain, crossed = (drawn(sensitivity.draw, rows, tmp_path)[1].read_text("utf-8") for rows in (table, high))
    assert crossed.count('data-optimizer="Adam"') == plain.count('data-optimizer="Adam"') + 1


def test_bars_hold_together_the_longest_runs_that_are_not_told_apart():
    """A run inside another has no bar of its own, and a difference of the gap itself is told."""
    assert ranks.cliques([1.0, 1.5, 2.0, 3.5], 1.2) == [(0, 2)]
    assert ranks.cliques([1.0, 2.0, 3.0], 1.0) == []
    assert ranks.cliques([1.0, 1.9, 2.8, 3.7], 1.0) == [(0, 1), (1, 2), (2, 3)]


def test_names_and_mean_ranks_are_written(tmp_path):
    """With the critical difference, and what of it does not fit on the axis."""
    table = score_rows.critical_rows(RANKS, "study", 9)
    said = words(ranks.draw_critical, table, tmp_path)
    assert {"Adam  1.20", "GD  2.80", "critical difference 1.10"} <= set(said)
    wide = [{**row, "critical_difference": 5.0} for row in table]
    assert "critical difference 5.00 (more than the axis)" in words(ranks.draw_critical, wide, tmp_path)
