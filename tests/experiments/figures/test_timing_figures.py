"""Figures show seconds of the timing pass and no others, and their CSV alone draws them again (rules B16, C10)."""

import dataclasses
import math

import pytest

from experiments.figures import canvas, costs, timing
from experiments.figures import curve_kinds as curves
from experiments.figures import curves as drawing
from experiments.report.gallery import Gallery
from tests.experiments.evidence import THREE, evidence, result, study
from tests.experiments.figures.test_report_figures import CAPTION, STYLES

TIMES = {"GD": 0.5, "Adam": 0.02, "Momentum": 0.01}
TIMED = evidence(THREE, times=TIMES)
NOT = evidence(THREE)


def read(path):
    """The text of a file."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["timing", "costs"])
def test_the_numbers_alone_draw_a_figure_again(name, tmp_path):
    """Byte for byte, from the CSV."""
    tables = {"timing": lambda: timing.table_of(TIMED), "costs": lambda: costs.table_of(TIMED, result(TIMED))}
    figure = {"timing": (timing, (STYLES,)), "costs": (costs, (STYLES, "accuracy"))}
    module, arguments = figure[name]
    first = module.draw(tables[name](), *arguments, CAPTION, tmp_path / "first")
    second = module.draw(module.table_from(read(first[2])), *arguments, CAPTION, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_step_is_set_against_that_of_plain_sgd(tmp_path):
    """By medians; without SGD nothing is divided."""
    assert "Numbers with x" not in timing.how(TIMED)
    assert ">x " not in read(timing.draw(timing.table_of(TIMED), STYLES, CAPTION, tmp_path)[1])
    whole = study()
    plain = dataclasses.replace(whole.optimizers[2], optimizer="sgd", hyperparameters={}, label="Momentum")
    other = dataclasses.replace(TIMED, study=dataclasses.replace(whole, optimizers=(*whole.optimizers[:2], plain)))
    assert "the median over that of Momentum" in timing.how(other)
    svg = read(timing.draw(timing.table_of(other), STYLES, CAPTION, tmp_path)[1])
    assert [words in svg for words in ("x 50<", "x 2<", "x 1<")] == [True] * 3


def test_without_a_timing_pass_no_times_are_drawn(tmp_path):
    """The caption says which command takes them; memory is then what optimizers declare to keep."""
    table = costs.table_of(NOT, result(NOT))
    assert all(math.isnan(row["seconds_per_step"]) for row in table)
    svg = read(costs.draw(table, STYLES, "accuracy", CAPTION, tmp_path)[1])
    assert "seconds of a step" not in svg
    assert "bytes of state" in svg
    assert "python -m experiments time small takes them" in costs.how(NOT)
    assert timing.table_of(NOT) == timing.with_seconds([{"step": 1, "optimizer": "GD"}], NOT) == []


def test_costs_are_those_of_the_timing_pass():
    """The median second of a step, 1.2 times what was given, and the bytes that were found."""
    table = {row["optimizer"]: row for row in costs.table_of(TIMED, result(TIMED))}
    assert {k: row["seconds_per_step"] for k, row in table.items()} == pytest.approx(
        {label: 1.2 * second for label, second in TIMES.items()}
    )
    assert table["Adam"]["state_bytes_per_parameter"] == 8
    assert "timing pass" in costs.how(TIMED)


def test_seconds_of_curves_are_steps_times_the_median_of_a_step(tmp_path):
    """Whatever the runs that are drawn took; from the CSV the curves are drawn again."""
    curve = curves.CURVES[1]
    table = timing.with_seconds(drawing.table_of(TIMED.found, curve), TIMED)
    assert all(row["seconds"] == pytest.approx(row["step"] * 1.2 * TIMES[row["optimizer"]]) for row in table)
    first = drawing.draw_curves(curve, table, STYLES, CAPTION, tmp_path / "first", across=timing.SECONDS)
    again = drawing.table_from(read(first[2]), curve)
    second = drawing.draw_curves(curve, again, STYLES, CAPTION, tmp_path / "second", across=timing.SECONDS)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert first[0].stem.endswith("_by_second")


def test_a_report_draws_times_only_where_there_is_a_timing_pass(tmp_path, monkeypatch):
    """Else it has the sentence in the place of the figure."""
    monkeypatch.setattr(canvas, "DPI", 20)
    for whole, drawn in ((TIMED, True), (NOT, False)):
        shown = Gallery(whole, result(whole), tmp_path, STYLES).draw(illustrations=False)
        (one,) = [figure for figure in shown if figure.title == "What a step takes"]
        assert bool(one.files) is drawn
        assert ("takes them" in one.words) is not drawn
        assert any(figure.title.endswith("over seconds") for figure in shown) is drawn
