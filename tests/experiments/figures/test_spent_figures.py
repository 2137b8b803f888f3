"""What was spent on each optimizer is drawn in parts that add up to it (rule B23)."""

import dataclasses
import math

import pytest

from experiments.figures import canvas, spent
from experiments.records.costs import Cost
from experiments.report.gallery import Gallery
from tests.experiments.evidence import APART, evidence, result
from tests.experiments.figures.test_figures import texts
from tests.experiments.figures.test_report_figures import CAPTION, STYLES

RUN = Cost(1, 0, 0, 10, 4000, 3600.0)
WIDENED = Cost(1, 1, 0, 10, 1000, 1800.0).parted()
KILLED = Cost(0, 0, 1, 5, 500, 900.0).parted()


def known():
    """Evidence with the costs of two optimizers, of which one was widened and one was killed."""
    told = {
        ("tuning", "GD"): RUN + WIDENED,
        ("evaluation", "GD"): RUN + KILLED,
        ("tuning", "Adam"): RUN,
        ("evaluation", "Adam"): RUN,
    }
    return dataclasses.replace(evidence(APART), costs=told)


def test_parts_add_up_to_all_that_was_spent():
    """Widened searches and failed attempts are parts of their own, and in no other."""
    own = [row for row in spent.table_of(known()) if row["optimizer"] == "GD"]
    assert {row["part"]: row["gradients"] for row in own} == {
        "tuning": 4000, "tuning, widened": 1000, "evaluation": 4000, "without a result": 500,
    }  # fmt: skip
    assert [row["core_hours"] for row in own] == [1.0, 0.5, 1.0, 0.25]
    assert sum(row["gradients"] for row in own) == (RUN + WIDENED + RUN + KILLED).gradients


def test_parts_of_a_cost_are_kept_when_costs_are_added():
    """A run that is neither has none of them."""
    both = RUN.parted() + WIDENED + KILLED
    assert (both.widened_gradients, both.failed_gradients) == (1000, 500)
    assert (both.widened_seconds, both.failed_seconds) == (1800.0, 900.0)


@pytest.mark.parametrize(("seconds", "words"), [(3600.0, "core hours"), (60.0, "core minutes")])
def test_times_are_told_in_hours_or_minutes(tmp_path, seconds, words):
    """Whichever can be read; the parts that there are have names, and the CSV draws the figure again."""
    cost = dataclasses.replace(RUN, seconds=seconds)
    whole = {(kind, label): cost for kind in ("tuning", "evaluation") for label in ("GD", "Adam")}
    table = spent.table_of(dataclasses.replace(evidence(APART), costs=whole))
    first = spent.draw(table, STYLES, CAPTION, tmp_path / "first")
    assert {words, "tuning", "evaluation"} <= set(texts(first[1]))
    assert "without a result" not in texts(first[1])
    again = spent.table_from(first[2].read_text(encoding="utf-8"))
    second = spent.draw(again, STYLES, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_without_the_times_of_all_runs_gradients_are_drawn(tmp_path):
    """The evidence of a search has none, and a bar without them would be too short."""
    unknown = dataclasses.replace(RUN, seconds=math.nan)
    whole = known()
    table = spent.table_of(dataclasses.replace(whole, costs={**whole.costs, ("tuning", "Adam"): unknown}))
    assert "no times" in spent.how(table)
    assert "millions of gradients of single examples" in texts(spent.draw(table, STYLES, CAPTION, tmp_path)[1])


def test_a_report_draws_costs_where_they_are_known(tmp_path, monkeypatch):
    """And nothing where they are not."""
    monkeypatch.setattr(canvas, "DPI", 20)
    assert spent.table_of(evidence(APART)) == []
    titles = {}
    for name, whole in (("known", known()), ("unknown", evidence(APART))):
        shown = list(Gallery(whole, result(whole), tmp_path / name, STYLES)._costs())
        titles[name] = [figure.title for figure in shown]
    assert "What was spent" in titles["known"]
    assert "What was spent" not in titles["unknown"]
