"""Metrics of each case as box and points: one row an optimizer, one panel a class."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from experiments.figures import canvas, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import name_rows, of, under
from experiments.studies import Style
from experiments.text import Table


@dataclasses.dataclass(frozen=True)
class Boxes:
    """One figure of boxes."""

    slug: str  # name of its files
    column: str  # which metric
    words: str  # what it is, for the title
    axis: str  # name of the horizontal axis
    how: str  # how to read it
    distance: bool = False  # whether it is a distance, on a logarithmic axis, whose misses lie at the image's diagonal


READ = "Dot: a case of a seed; box: quartiles and median of them all; whiskers: lowest and highest."
BOXES = (
    Boxes(
        "dice_by_class", "dice", "Dice of each test case", "Dice",
        f"{READ} Cross: missed, or found where there is none.",
    ),
    Boxes(
        "hausdorff_95", "hausdorff_95_mm", "Hausdorff distance (95 %) of each test case",
        "Hausdorff distance, 95 %, mm (logarithmic axis)",
        f"{READ} Cross on the dashed line: missed, or found where there is none, at the image's diagonal. "
        "Triangle at the left edge: 0 mm.",
        distance=True,
    ),
)  # fmt: skip


def draw(table: Table, context: Context, boxes: Boxes) -> Figure:
    """Draws a row for each optimizer, in the order of the study; one without rows diverged."""
    classes = list(dict.fromkeys(row["class"] for row in table))
    seeds = len({row["seed"] for row in table})
    figure, panels = canvas.sheet(context.caption, room=0, grid=(1, len(classes)))
    _scale(panels[0], boxes, [row[boxes.column] for row in table])
    name_rows(panels[0], list(context.styles))
    for panel, name in zip(panels, classes, strict=True):
        panel.set_title(name, fontsize=10, loc="left")
        panel.grid(visible=False, axis="y")
        for place, (label, style) in enumerate(context.styles.items()):
            with of(label, panel):
                own = [row for row in table if row["optimizer"] == label and row["class"] == name]
                _row(panel, boxes, own, style, place)
                lost, missed = seeds - len({row["seed"] for row in own}), sum(row["missed"] for row in own)
                _say(panel, place, "left", f"{lost} of {seeds} diverged" if lost else "")
                _say(panel, place, "right", f"{missed} missed" if missed else "")
        if boxes.distance:
            _cap(panel, boxes, table)
    figure.supxlabel(boxes.axis, y=under(context.caption), fontsize=9.5)
    return figure


def _row(axes: Axes, boxes: Boxes, own: Table, style: Style, place: int) -> None:
    """Draws one optimizer's box and points."""
    if not own:
        return
    edge = axes.get_xlim()[0]
    values = [max(row[boxes.column], edge) for row in own]
    low, first, middle, third, high = np.percentile(values, [0, 25, 50, 75, 100])
    axes.plot([low, high], [place, place], color=canvas.INK, linewidth=0.9)
    axes.barh(
        place, third - first, left=first, height=0.62, facecolor="white", edgecolor=canvas.INK, linewidth=0.9, zorder=2
    )
    axes.barh(place, third - first, left=first, height=0.62, facecolor=style.color, alpha=0.25, linewidth=0, zorder=2)
    axes.plot([middle, middle], [place - 0.31, place + 0.31], color=canvas.INK, linewidth=1.8, zorder=4)
    heights = [place + 0.42 * (((7 * i) % 16) / 15 - 0.5) for i in range(len(own))]  # apart, and always in the same way
    wrong = [row["missed"] or row["false_alarm"] for row in own]
    zero = [boxes.distance and row[boxes.column] <= edge for row in own]
    for marker, size, chosen in (
        ("o", 2.6, [not (w or z) for w, z in zip(wrong, zero, strict=True)]),
        ("x", 5.5, wrong),
        ("<", 4.0, zero),
    ):
        points = [(x, y) for x, y, this in zip(values, heights, chosen, strict=True) if this]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=style.color, markersize=size, zorder=3, clip_on=False)


def _say(axes: Axes, place: int, side: Literal["left", "right"], text: str) -> None:
    """Writes over the box of an optimizer, at one side of the axes."""
    axes.annotate(text, (float(side == "right"), place - 0.33), xycoords=("axes fraction", "data"), ha=side,
                  va="bottom", fontsize=7.5, xytext=(0, -1.5), textcoords="offset points")  # fmt: skip


def _scale(axes: Axes, boxes: Boxes, values: Sequence[float]) -> None:
    if not boxes.distance:
        axes.set_xlim(math.floor(10 * min(values)) / 10, 1.005)
        scales.ticks(axes.xaxis, MaxNLocator(5, steps=[1, 2, 5, 10]))
        return
    positive = [value for value in values if value > 0] or [1.0]
    axes.set_xscale("log")
    axes.set_xlim(min(positive) / 1.6, max(positive) * 1.25)
    scales.ticks(axes.xaxis, LogLocator(subs=(1, 2, 5)))


def _cap(axes: Axes, boxes: Boxes, table: Table) -> None:
    """Draws the distance of a miss, where there was one."""
    for distance in {row[boxes.column] for row in table if row["missed"] or row["false_alarm"]}:
        axes.axvline(distance, color=canvas.QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
