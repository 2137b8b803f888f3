"""Each figure of the report says what it shows, and its CSV alone draws it again."""

import math
import re

import pytest
from matplotlib import image

from experiments.analysis.levels import provisional, targets
from experiments.figures import budget, canvas, costs, profiles, ranks, scores, times, trajectories
from experiments.figures.canvas import Caption
from experiments.report.gallery import NO_DIAGRAM, Gallery
from tests.experiments.evidence import APART, NOISE, SEEDS, THREE, evidence, result, study

CAPTION = Caption("A title", ("how to read it",), ("drawn by: python -m experiments",), "In words")
LOST = {**THREE, "Momentum": [0.89, math.nan, 0.90, 0.91, 0.90]}


def table_of(name, ends=LOST, **how):
    """The numbers of a figure."""
    whole = evidence(ends, **how)
    made = result(whole)
    tables = {
        "dots": lambda: scores.dots_table(whole, made),
        "differences": lambda: scores.differences_table(whole, made),
        "chances": lambda: ranks.chance_table(whole, made),
        "map": lambda: ranks.map_table(whole, made),
        "best_of_k": lambda: budget.table_of(whole),
        "times": lambda: times.table_of(whole, targets(whole)),
        "costs": lambda: costs.table_of(whole, made),
        "trajectories": lambda: trajectories.table_of(whole.study.optimizers[:2], ("rosenbrock",), 12),
    }
    return tables[name]()


STYLES = {entry.label: entry.style for entry in study().optimizers}
DRAWN = {
    "dots": (scores.draw_dots, (STYLES, "accuracy"), scores.table_from),
    "differences": (scores.draw_differences, (STYLES, "accuracy"), scores.table_from),
    "chances": (ranks.draw_chances, (STYLES, "accuracy"), ranks.chance_from),
    "map": (ranks.draw_map, (), ranks.map_from),
    "best_of_k": (budget.draw, (STYLES, "accuracy"), budget.table_from),
    "times": (times.draw, (STYLES,), times.table_from),
    "costs": (costs.draw, (STYLES, "accuracy"), costs.table_from),
    "trajectories": (trajectories.draw, (STYLES,), trajectories.table_from),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_numbers_alone_draw_a_figure_again(name, tmp_path):
    """Byte for byte, from the CSV; the PNG is sharp, and the SVG tells those who cannot see it what it is."""
    draw, arguments, table_from = DRAWN[name]
    first = draw(table_of(name), *arguments, CAPTION, tmp_path / "first")
    assert [path.suffix for path in first] == [".png", ".svg", ".csv"]
    second = draw(table_from(first[2].read_text(encoding="utf-8")), *arguments, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert image.imread(first[0]).shape[1] >= 200 * canvas.WIDTH
    svg = first[1].read_text(encoding="utf-8")
    assert re.search(r"<title>A title</title>\s*<desc>In words</desc>", svg)
    assert ">GD" in svg


def test_dots_have_a_row_for_each_run_and_say_who_is_tied():
    """Of training and test; the interval is that of all seeds, and a diverged run leaves none."""
    table = table_of("dots")
    assert len(table) == 2 * 3 * len(SEEDS)
    own = {row["optimizer"]: row for row in table if row["split"] == "test"}
    assert [own[label]["tied"] for label in ("Adam", "GD")] == [True, False]
    assert own["Adam"]["mean"] == pytest.approx(0.908)
    assert own["Momentum"]["mean"] == -math.inf


def test_differences_are_those_of_the_seeds(tmp_path):
    """Each seed's, the verdict beside them, and a run that both lost is no difference."""
    table = table_of("differences", THREE)
    own = [row["difference"] for row in table if row["optimizer"] == "GD"]
    assert own == pytest.approx([a - b for a, b in zip(THREE["Adam"], THREE["GD"], strict=True)])
    svg = scores.draw_differences(table, STYLES, "accuracy", CAPTION, tmp_path)[1].read_text(encoding="utf-8")
    assert "worse†" in svg
    assert "≈" in svg


def test_chances_of_all_pairs_add_up_to_one():
    """P(A > B) + P(B > A) = 1, and nobody is better than itself."""
    chance = {(row["optimizer"], row["other"]): row["p_better"] for row in table_of("chances")}
    assert chance["Adam", "GD"] == 1.0
    assert all(p + chance[b, a] == pytest.approx(1.0) for (a, b), p in chance.items())
    assert chance["Adam", "Adam"] == 0.5


def test_ranks_are_those_within_a_seed():
    """The best is first; a run that diverged is last."""
    table = table_of("map")
    ranked = {(row["optimizer"], row["seed"]): row["rank"] for row in table}
    assert [ranked[label, 0] for label in ("Adam", "Momentum", "GD")] == [1, 2, 3]
    assert ranked["Momentum", 1] == 3
    assert sum(ranked.values()) == 6 * len(SEEDS)


def test_the_best_of_all_trials_is_the_best_trial():
    """At k = K nothing is left to chance; before, more trials never do worse."""
    table = [row for row in table_of("best_of_k") if row["optimizer"] == "Adam"]
    expected = [row["expected"] for row in table]
    assert expected == sorted(expected)
    assert expected[-1] == pytest.approx(0.9)
    assert all(row["low"] <= row["expected"] <= row["high"] for row in table)


def test_a_target_is_reached_in_the_first_pass_that_meets_it():
    """Linear curves in three passes: 90 % and 97 % of the way are met in the last one, a miss is infinite."""
    whole = evidence(THREE, target=0.9)
    levels = targets(whole)
    # Every run starts at 0.1, as the small records do.
    assert [level.value for level in levels] == pytest.approx([0.1 + share * 0.8 for share in (0.9, 0.97, 1.0)])
    assert set(levels[0].epochs["Adam"].values()) == {3.0}
    assert set(levels[0].epochs["GD"].values()) == {math.inf}
    assert not levels[2].void


def test_a_target_that_one_alone_reaches_is_void(tmp_path, monkeypatch):
    """No times are given for it (rule B14): the page says why in the place of the figure."""
    whole = evidence(APART, target=0.8)
    table = times.table_of(whole, targets(whole))
    assert {row["void"] for row in table if row["share"] == 1.0} == {"only Adam ever reaches it"}
    assert times.valid(table) == []
    monkeypatch.setattr(canvas, "DPI", 20)
    shown = list(Gallery(whole, result(whole), tmp_path, STYLES)._times())
    assert not shown[0].files
    assert "Void, 100% of the way (0.8): only Adam ever reaches it." in shown[0].words
    assert [one.title for one in shown] == ["Passes to a target", "Profiles"]
    assert shown[1].words == f"{profiles.REFUSED} Void, 100% of the way (0.8): only Adam ever reaches it."


def test_a_provisional_target_favours_nobody():
    """It is the median over optimizers of their medians over seeds, of the best validation scores."""
    assert provisional(evidence(THREE)) == pytest.approx(0.91)  # of 0.51, 0.92 and 0.91
    whole = evidence({**THREE, "GD": [*THREE["GD"][:4], None]})
    assert targets(whole) == []


def test_profiles_are_refused_where_they_would_say_nothing(tmp_path):
    """With one optimizer, where all begin at the target, and where nobody gets there."""
    assert profiles.drawable(times.table_of(evidence(NOISE), targets(evidence(NOISE))))
    for ends, goal in (({"GD": APART["GD"]}, 0.5), (NOISE, 0.05), (NOISE, 0.999)):
        assert not profiles.drawable(times.table_of(evidence(ends), targets(evidence(ends, target=goal))))


def test_profiles_end_at_the_share_that_is_solved(tmp_path):
    """Momentum misses one of five; the score and the unit are told, and pairs stand beside the whole."""
    table = times.table_of(evidence(LOST, target=0.85), targets(evidence(LOST, target=0.85)))
    svg = profiles.draw(table, STYLES, CAPTION, tmp_path)[1].read_text(encoding="utf-8")
    assert "without Adam" in svg
    assert "data profile" in svg
    assert "One problem" in profiles.UNIT or "only problem" in profiles.UNIT
    pairs = profiles.draw_pairs(table, STYLES, CAPTION, tmp_path)[2].read_text(encoding="utf-8")
    assert "Adam and Momentum" in pairs or "Momentum and Adam" in pairs


def test_optimizers_say_what_they_keep():
    """Adam two numbers for each parameter, momentum one, plain descent none, in float32."""
    assert [costs.state_bytes(entry) for entry in study().optimizers] == [0, 8, 4]


def test_a_frontier_leaves_out_who_is_beaten_in_both():
    """As cheap and worse, or dearer and no better."""
    rows = [("a", 1, 0.5), ("b", 1, 0.6), ("c", 2, 0.6), ("d", 3, 0.9), ("e", 4, 0.8)]
    table = [{"optimizer": n, "cost": cost, "score": score, "higher_is_better": True} for n, cost, score in rows]
    assert [row["optimizer"] for row in costs.frontier(table, "cost")] == ["b", "d"]
    losses = [{**row, "score": -row["score"], "higher_is_better": False} for row in table]
    assert [row["optimizer"] for row in costs.frontier(losses, "cost")] == ["b", "d"]


def test_trajectories_begin_at_the_published_start_and_end_lowest():
    """All take as many steps, at a rate that no other of its range beats."""
    table = table_of("trajectories")
    for label in ("GD", "Adam"):
        own = [row for row in table if row["optimizer"] == label]
        assert [row["step"] for row in own] == list(range(13))
        assert (own[0]["x"], own[0]["y"], own[0]["f"]) == (-0.5, 1.5, 158.5)
        assert own[-1]["f"] < 158.5 / 10
    assert "illustration, not evidence" in trajectories.HOW.lower()


def test_a_critical_difference_diagram_is_refused_below_eight_problems(tmp_path, monkeypatch):
    """The page says so in the place of the figure."""
    monkeypatch.setattr(canvas, "DPI", 20)
    whole = evidence(APART)
    shown = Gallery(whole, result(whole), tmp_path, STYLES).draw(illustrations=False)
    assert NO_DIAGRAM in [figure.words for figure in shown if not figure.files]
    assert len([figure for figure in shown if figure.files]) == 11


def test_a_loss_is_drawn_as_a_loss(tmp_path):
    """Less is better: the axis is logarithmic, and the best is the lowest."""
    table = [{**row, "score": 10 ** (10 * row["score"]), "higher_is_better": False} for row in table_of("dots", THREE)]
    table = [{**row, **dict.fromkeys(("mean", "low", "high"), row["score"])} for row in table]
    svg = scores.draw_dots(table, STYLES, "loss", CAPTION, tmp_path)[1].read_text(encoding="utf-8")
    assert "loss after the last pass (logarithmic axis)" in svg
