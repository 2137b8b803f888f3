"""What optimizers have learned of rare and of frequent words: how far these moved, and the error of them alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from experiments.figures import canvas, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import label_ends, look, of, under
from experiments.text import Table, group

MAJORITY = "majority_error"  # which records of earlier versions do not have
PANELS = {"update": "mean distance that a word's row moved", "error": "error on test mails shown these words alone"}


def draw(table: Table, context: Context) -> Figure:
    """Draws both against the number of training mails that have a word: mean over seeds, and the range of seeds."""
    room = max(map(len, group(table)))
    figure, panels = canvas.sheet(context.caption, room=room, grid=(1, 2), gap=(0.28, 0.3), share=False)
    for panel, (column, title) in zip(panels, PANELS.items(), strict=True):
        panel.set_title(title, fontsize=10, loc="left")
        panel.set_xscale("log")
        scales.ticks(panel.xaxis, LogLocator())
        ends = [_line(panel, own, column, label, look(context.styles[label])) for label, own in group(table).items()]
        if column == "update":
            scales.loss_scale(panel, [row[column] for row in table])
        else:
            _majority(panel, table)
            label_ends(panel, ends)
    axis = "training mails that have the word (logarithmic axis; mean of its band)"
    figure.supxlabel(axis, y=under(context.caption), fontsize=9.5)
    return figure


def _majority(panel: Axes, table: Table) -> None:
    """Draws the error of always naming the more frequent class, which is the same for all runs."""
    bands = {row["frequency"]: row[MAJORITY] for row in table if MAJORITY in row}
    panel.plot(list(bands), list(bands.values()), color=canvas.QUIET, linestyle="dotted", linewidth=1.4, zorder=1)


def _line(panel: Axes, own: Table, column: str, label: str, style: Mapping[str, Any]) -> tuple[float, float, str, Any]:
    """Draws an optimizer's line and range, and returns where it ends, with its label and its look."""
    bands = [([row[column] for row in rows], rows[0]["frequency"]) for rows in group(own, "mails_from").values()]
    places, means = [place for _, place in bands], [statistics.fmean(values) for values, _ in bands]
    with of(label, panel):
        low, high = ([end(values) for values, _ in bands] for end in (min, max))
        panel.fill_between(places, low, high, color=style["color"], alpha=0.13, linewidth=0)
        panel.plot(places, means, **style, markersize=4.5, linewidth=1.6)
    return places[-1], means[-1], label, style
