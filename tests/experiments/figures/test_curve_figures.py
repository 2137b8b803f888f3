"""Learning curves stand where their evaluations were made, and enlarge what is close at the end."""

import functools
import math

import pytest
from matplotlib.figure import Figure

from experiments.analysis.curves import curves_of
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
    assert "steps of the optimizer (logarithmic axis)" in texts(over(both, tmp_path, across=scales.STEPS)[1])


@pytest.mark.parametrize(("other", "near"), [(0.012, ["Adam", "GD"]), (1.5, [])])
def test_the_last_fifth_is_enlarged_where_others_end_near_the_best(tmp_path, other, near):
    """A line far away would flatten them, and a best one that ends alone needs no enlarging."""
    table = rows("Adam", (0.01, 0.0101)) + rows("GD", (other, other + 1e-4))
    assert sorted(line.label for line in curves.close(axes_of(table), lines_of(table), lower=True)) == near
    assert any("last 20 %" in word for word in texts(over(table, tmp_path)[1])) == bool(near)


def test_a_score_that_rises_is_enlarged_at_the_top(tmp_path):
    """The best is where the lines went, whichever way up the axis is."""
    ends = {"GD": 0.96, "Adam": 0.962}
    found = [record(label, (0.1, 0.9, end), seed=seed) for label, end in ends.items() for seed in (0, 1)]
    assert any("last 20 %" in word for word in texts(drawn_of(found, tmp_path, CURVES[0])[1]))


def test_a_line_that_stopped_early_is_not_among_those_near_the_best():
    """It has no end to enlarge."""
    stopped = [row for row in rows("GD", (0.01, 0.01)) if row["step"] < 100]
    table = rows("Adam", (0.01, 0.0101)) + stopped
    assert curves.close(axes_of(table), lines_of(table), lower=True) == []
