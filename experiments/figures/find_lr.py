"""The figure of the learning-rate range test: loss against rate, with the two rates that are read off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from experiments import environment
from experiments.figures import canvas
from experiments.figures.canvas import Caption
from experiments.problems import tasks
from experiments.text import to_csv
from experiments.tuning.range_test import KEEP, WINDOW, Plan, Reading, sentences

LINE, DOTS, MARK = "#0072B2", "#9BBFD6", "#D55E00"


def draw(
    plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None, folder: Path, command: str
) -> list[Path]:
    """Draws the losses of one test, and writes PNG, SVG and CSV.

    Args:
        plan: what was tested.
        found: loss and average of each step.
        reading: what is suggested, if anything.
        folder: where the files go.
        command: what was typed.
    """
    caption = words(plan, found, reading, command)
    with mpl.rc_context(canvas.STYLE):
        figure, (axes,) = canvas.sheet(caption, room=0)
        axes.set_xscale("linear" if plan.linear else "log")
        axes.set_xlabel(f"learning rate ({'linear' if plan.linear else 'logarithmic'} axis)")
        axes.set_ylabel("loss of a mini-batch, before the step of that rate")
        rates = plan.rates[: len(found)]
        axes.plot(rates, [loss for loss, _ in found], ".", color=DOTS, markersize=4)
        axes.plot(rates, [average for _, average in found], color=LINE, linewidth=1.8)
        axes.set_xlim(plan.low, plan.high)
        _limit(axes, [average for _, average in found])
        if reading is not None:
            _mark(axes, reading.base, f"base {reading.base:.2g}", 0.97)
            _mark(axes, reading.peak, f"max {reading.peak:.2g}", 0.91)
        return canvas.save(figure, folder, f"find_lr_{plan.name}_{plan.optimizer}", caption, to_csv(rows(plan, found)))


def words(plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None, command: str) -> Caption:
    """Returns the words of the figure."""
    title = f"Learning-rate range test: {plan.optimizer} on {tasks.get(plan.task).title}, {plan.data}"
    how = (
        f"One training from one initialisation (seed {plan.seed}), the rate growing at each step. Dot: a mini-batch of "
        f"{plan.batch_size}; line: moving average that forgets {1 - KEEP:.0%} a step."
    )
    lines = how, " ".join(sentences(plan, found, reading))
    made = environment.describe(1)
    versions = f"commit {made['commit']}, TensorFlow {made['tensorflow']}, Keras {made['keras']}, {made['system']}"
    return Caption(title, lines, (versions, f"drawn by: {command}"), " ".join((f"{title}.", *lines)))


def rows(plan: Plan, found: Sequence[tuple[float, float]]) -> list[dict[str, object]]:
    """Returns the numbers behind the figure, a row for each step."""
    fixed = {"data": plan.data, "model": plan.task, "optimizer": plan.optimizer, "seed": plan.seed}
    return [
        {**fixed, "step": step, "learning_rate": rate, "loss": loss, "smoothed_loss": average}
        for step, (rate, (loss, average)) in enumerate(zip(plan.rates, found, strict=False))
    ]


def _limit(axes: Axes, averages: Sequence[float]) -> None:
    """Shows the fall and the beginning of the rise; single losses beyond are cut off."""
    finite = [value for value in averages if math.isfinite(value)]
    start = finite[min(len(finite), WINDOW) - 1]
    low, high = min(0.0, *finite), 1.5 * max(start, finite[0])
    axes.set_ylim(low, high if high > low else low + 1)


def _mark(axes: Axes, rate: float, text: str, height: float) -> None:
    """Draws a rate as a line, with its label beside it, on the side where there is room."""
    axes.axvline(rate, color=MARK, linewidth=1.2, linestyle=(0, (4, 2)))
    place = (axes.transData + axes.transAxes.inverted()).transform((rate, 1.0))[0]
    side, gap = ("left", 0.008) if place < 0.8 else ("right", -0.008)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(place + gap, height, text, transform=axes.transAxes, ha=side, va="top", color=MARK, bbox=paper)
