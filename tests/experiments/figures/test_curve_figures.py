"""Learning curves stand where their evaluations were made; the best and all that tie with it have bands."""

import functools
import math
import re

import pytest
from matplotlib.figure import Figure

from experiments.analysis.curves import curves_of, error_of
from experiments.analysis.curves import rows as rows_of
from experiments.figures import curves, scales
from experiments.problems import tasks
from tests.experiments.figures.drawn import drawn, texts
from tests.experiments.small import record

CURVES = curves_of(tasks.get("mnist_mlp"))
LOSS = next(curve for curve in CURVES if curve.slug == "loss")
GRID = (0, 1, 2, 4, 8, 16, 32, 64, 96, 128, 160)  # steps, 32 in a pass
PASS = 32


def rows(label, ends, steps=GRID, a_pass=PASS, seeds=(0, 1)):
    """A table of losses that fall from 2.3 to an end for each seed, evaluated at some steps."""
    return [
        {
            "study": "small",
            "data": "mnist_5k",
            "model": "mnist_mlp",
            "optimizer": label,
            "learning_rate": 0.1,
            "seed": seed,
            "status": "done",
            "epoch": step // a_pass if step % a_pass == 0 else step / a_pass,
            "step": step,
            "example_gradients": 4000 * step // a_pass,
            "train_loss": end + (2.3 - end) * math.exp(-step / a_pass),
        }
        for seed, end in zip(seeds, ends, strict=True)
        for step in steps
    ]


def over(table, folder, curve=LOSS, across=scales.EPOCHS, **how):
    """The files of a figure of a table."""
    return drawn(functools.partial(curves.draw, curve=curve, across=across), table, folder, **how)


def drawn_of(found, folder, curve):
    """The files of a figure of some records."""
    return over(rows_of(found, curve), folder, curve)


def lines_of(table):
    """The lines of the optimizers of a table, over passes."""
    return [curves._line_of(table, label, LOSS, scales.EPOCHS) for label in ("GD", "Adam") if label in str(table)]


def axes_of(table):
    """Axes of losses over the passes of a table."""
    (axes,) = Figure().subplots(1, 1, squeeze=False).flat
    scales.loss_scale(axes, [row["train_loss"] for row in table])
    scales.EPOCHS.scale(axes, max(row["epoch"] for row in table))
    return axes


def test_points_stand_at_their_passes_and_not_at_their_number():
    """The dense evaluations of the first pass stay within it; an entry with fewer rows ends at the same place."""
    table = rows("Adam", (0.1, 0.2)) + rows("GD", (1.0, 1.1), steps=(0, 1, 2, 3, 4, 5), a_pass=1)
    gd, adam = lines_of(table)
    assert adam.x == [step / PASS for step in GRID]
    assert gd.x == [0, 1, 2, 3, 4, 5]
    assert gd.x[-1] == adam.x[-1] == 5


def test_a_run_that_diverged_ends_at_its_last_finite_evaluation():
    """At its pass; mean and band go as far as all seeds do, the other seeds to their end."""
    table = [row for row in rows("Adam", (0.1, 0.2)) if row["seed"] == 0 or row["step"] <= 32]
    table[-1] |= {"train_loss": math.nan}
    (line,) = lines_of(table)
    assert line.stopped == [False, True]
    assert line.seeds[1][-1][0] == 16 / PASS
    assert line.x[-1] == 16 / PASS
    assert line.seeds[0][-1][0] == 5
    assert line.text == "Adam  diverged"


def test_few_markers_are_spread_over_the_axis():
    """However dense the points are at the start; neighbouring lines have theirs at other places."""
    axes = axes_of(rows("Adam", (0.1, 0.2)))
    x = [*(k / 100 for k in range(100)), *range(1, 6)]
    marks = curves.every(axes, x, 5, 0)
    assert len(marks) <= 5
    assert sum(x[mark] < 1 for mark in marks) == 1
    dense = [k / 50 for k in range(251)]
    assert not set(curves.every(axes, dense, 5, 0)) & set(curves.every(axes, dense, 5, 1))


def test_steps_are_drawn_where_entries_take_other_numbers_of_them_in_a_pass(tmp_path):
    """A full gradient is one step; gradients of examples are as many for both, and tell nothing more."""
    mini = rows("Adam", (0.1, 0.2))
    both = mini + rows("GD", (1.0, 1.1), steps=(0, 1, 2, 3, 4, 5), a_pass=1)
    assert curves.distinct(mini) == []
    assert curves.distinct(both) == [scales.STEPS]
    twice = [{**row, "example_gradients": 2 * row["example_gradients"], "optimizer": "GD"} for row in mini]
    assert curves.distinct(mini + twice) == [scales.GRADIENTS]
    assert "steps of the optimizer (log axis)" in texts(over(both, tmp_path, across=scales.STEPS)[1])


def test_the_best_and_its_ties_alone_have_bands(tmp_path):
    """Of the others the numbers are in the CSV."""
    table = rows("Adam", (0.1, 0.2)) + rows("GD", (1.0, 1.1))

    def bands(best):
        made = drawn(functools.partial(curves.draw, curve=LOSS), table, tmp_path, best=best)
        return re.findall(r'data-optimizer="(\w+)">\s*<defs>', made[1].read_text("utf-8"))

    assert set(bands(())) == set()
    assert set(bands(("Adam",))) == {"Adam"}
    assert set(bands(("Adam", "GD"))) == {"Adam", "GD"}


def test_errors_are_in_percent_and_none_at_all_has_a_place(tmp_path):
    """1 minus the accuracy; the axis is logarithmic, and 0 stands at its foot."""
    error = error_of(tasks.get("mnist_mlp"))
    found = [record("Adam", (0.1, 0.96, 1.01), seed=seed) for seed in (0, 1)]
    table = rows_of(found, error)
    assert [row["test_error"] for row in table[:3]] == pytest.approx([91.0, 5.0, 0.0])
    said = texts(over(table, tmp_path, error)[1])
    assert {"test error, % (log axis)", "0", "10", "Adam  0.00"} <= set(said)


def test_a_loss_has_no_error_of_its_own():
    """Its test loss is drawn instead."""
    assert error_of(tasks.get("quadratic_deep")) is None
    assert error_of(tasks.get("mni152")).axis == "test error (1 - Dice), % (log axis)"


@pytest.mark.parametrize("values", [[50.0, 50.0], [60.0], [0.0], [61.0, 61.2], [math.inf]])
def test_an_axis_of_equal_errors_has_a_height_and_a_place_on_it(values):
    """A run that is still where it began, or that ends without errors, is no reason for an axis without extent."""
    axes = Figure().subplots()
    scales.error_scale(axes.yaxis, values, 0.1, always=True)
    low, high = axes.get_ylim()
    assert low < high
    assert any(low <= place <= high for place in axes.yaxis.get_majorticklocs())
