"""A report draws every figure that its evidence allows, and says why of the others."""

import dataclasses
from types import SimpleNamespace

import pytest

from experiments.analysis.lint import Claims
from experiments.figures import canvas, cases
from experiments.report import captions, gallery, summary
from experiments.report.declared import Figure as Declared
from tests.experiments.analysis.test_cost_rows import NOT, TIMED, known
from tests.experiments.evidence import APART, evidence, result
from tests.experiments.figures.drawn import STYLES, facts, figures


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Only names: which figures there are is the subject, and every one is drawn in the tests of figures."""

    def write(draw, table, context, folder, slug):
        return [folder / f"{slug}.{kind}" for kind in ("png", "svg", "csv")]

    monkeypatch.setattr(canvas, "write", write)


def titles(whole, folder):
    """What is drawn, and the sentences in the places of what is not, by title."""
    shown = figures(whole, folder, illustrations=False)
    return {one.title for one in shown if one.files}, {one.title: one.words for one in shown if not one.files}


def test_figures_are_declared_once_and_keep_their_order(tmp_path):
    """Files have the names and the order of the declarations; a diagram of ranks is refused with one problem."""
    whole = evidence(APART)
    shown = figures(whole, tmp_path, illustrations=False)
    slugs = [one.slug for one in shown if one.files]
    declared = [one.slug for one in gallery.FIGURES if isinstance(one, Declared)]
    assert [slug for slug in slugs if slug in declared] == [slug for slug in declared if slug in slugs]
    assert len(slugs) == len(set(slugs)) == 11
    assert shown[-1].words == captions.WORDS["problem"]["critical_differences"]["refused"].replace("{{ least }}", "8")


def test_a_target_that_one_alone_reaches_is_void(tmp_path):
    """No times are given for it (rule B14): the page says why in the place of the figure."""
    whole = evidence(APART, target=0.8)
    table = facts(whole).times
    assert {row["void"] for row in table if row["share"] == 1.0} == {"only Adam ever reaches it"}
    assert facts(whole).valid == []
    drawn, refused = titles(whole, tmp_path)
    assert "Void, 100% of the way (0.8): only Adam ever reaches it." in refused["Epochs to a target"]
    assert "Epochs to a target" not in drawn


def test_times_and_costs_are_drawn_where_they_are_known(tmp_path):
    """Else a sentence says which command takes the times, and of costs there is nothing."""
    drawn, refused = titles(TIMED, tmp_path)
    assert "What a step takes" in drawn
    assert "What a step takes" not in refused
    drawn, refused = titles(known(), tmp_path)
    assert "What was computed for each optimizer" in drawn
    assert "measures them" in refused["What a step takes"]
    assert "What was computed for each optimizer" not in titles(NOT, tmp_path)[0]


def test_a_diagram_of_ranks_needs_eight_problems_and_two_optimizers():
    """Otherwise a sentence says so, in the place of the figure."""

    def why(problems, optimizers, reasons=()):
        facts = SimpleNamespace(problems="p" * problems, labels="o" * optimizers, claims=Claims(reasons))
        return captions.say("overview", "critical_differences", "refused", facts)

    assert "needs 8 problems, and there are 7." in why(7, 3)
    assert "there is 1." in why(1, 3)
    assert "one optimizer" in why(8, 1)
    assert why(8, 3, ("why not",)) == "Critical-difference diagram: refused; no claim: why not."


GONE = (
    "profiles", "profiles_pairwise", "trajectories", "loss_by_second", "test_accuracy_by_second",
    "time_to_target_shares", "chances",
)  # fmt: skip


def test_three_figures_are_above_the_fold_and_the_usual_ones_stay(tmp_path):
    """Seeds, the way and the rates; training and test accuracy and the loss are figures of their own."""
    shown = [one for one in gallery.draw(TIMED, result(TIMED), tmp_path, STYLES) if one.files]
    places = {place: [one.slug for one in shown if one.place == place] for place in ("headline", "usual", "appendix")}
    assert places["headline"] == ["scores", "test_error", "learning_rates_relative"]
    assert places["usual"][:3] == ["train_accuracy", "test_accuracy", "loss"]
    assert {"differences", "best_of_k", "timing"} <= set(places["appendix"])
    assert not set(GONE) & {one.slug for one in shown}
    assert all(one.finding for one in shown if one.place == "headline")


def test_trajectories_are_drawn_of_functions_alone(tmp_path):
    """Of the problem itself, where it is a function of two numbers."""
    whole = evidence(APART)
    toy = dataclasses.replace(whole, study=dataclasses.replace(whole.study, task="rosenbrock"))
    paths = gallery._paths(gallery.Facts(toy, result(whole)))
    assert {row["function"] for row in paths} == {"rosenbrock"}
    line = dataclasses.replace(whole, study=dataclasses.replace(whole.study, task="tf_guide"))
    assert gallery._paths(gallery.Facts(line, result(whole))) == gallery._paths(facts(whole)) == []


def test_trajectories_are_called_an_illustration():
    """In title and caption, since they are no evidence (rule B20)."""
    words = captions.WORDS["problem"][gallery.PATHS.slug]
    assert "illustration, not evidence" in words["title"]
    assert "illustration, not evidence" in words["how"].lower()


def test_every_figure_has_words_and_all_words_a_figure():
    """A figure of curves or of a search brings its own title."""
    assert {one.words or one.slug for one in summary.FIGURES} == set(captions.WORDS["overview"])
    declared = {one.slug for one in (*gallery.FIGURES, gallery.PATHS) if isinstance(one, Declared)}
    made = {
        "test_error",
        "curves",
        "rates",
        "rates_among",
        "learning_rates_relative",
        "target",
        "overlay",
        *cases.BOXES,
    }
    assert declared | made == set(captions.WORDS["problem"])


def test_all_words_are_templates():
    """One that is not would be seen only when its figure is drawn, or refused."""
    entries = [entry for kind in captions.WORDS.values() for entry in kind.values()]
    assert all(captions._template(text) for entry in entries for text in entry.values())
