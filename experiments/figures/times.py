"""How long each optimizer takes to a target: medians and quartiles, and how many runs never got there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments import canvas
from experiments.canvas import Caption
from experiments.config import Style
from experiments.figures.base import Table, dot, group, name_rows, room_for, under
from experiments.report.evidence import Evidence
from experiments.report.targets import Target
from experiments.statistics import summarise_times
from experiments.tables import from_csv, to_csv

HOW = (
    "Bar: median over seeds of the first pass whose validation score meets the target; whisker: quartiles; dot: a "
    "seed. A run that never meets it takes infinitely long, and is never left out."
)


def table_of(evidence: Evidence, levels: Sequence[Target]) -> list[dict[str, Any]]:
    """Returns a row for each run and level of the target."""
    run = evidence.found[0].run
    return [
        {
            "study": evidence.identity,
            "data": run.data,
            "model": run.task,
            "share": level.share,
            "target": level.value,
            "void": level.void,
            "optimizer": label,
            "seed": seed,
            "epochs": epochs,
        }
        for level in levels
        for label, by_seed in level.epochs.items()
        for seed, epochs in sorted(by_seed.items())
    ]


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    return from_csv(text, {"share": float, "target": float, "seed": int, "epochs": float})


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws a panel for each level of the target, all on one axis of time.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    labels, levels = list(group(table)), group(table, "share")
    with mpl.rc_context(canvas.STYLE):
        figure, panels = canvas.sheet(caption, room=0, grid=(1, len(levels)), gap=(0.06, 0.3), left=room_for(labels))
        finite = [row["epochs"] for row in table if math.isfinite(row["epochs"])]
        panels[0].set_xlim(0, 1.05 * max([*finite, 1.0]))
        panels[0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
        name_rows(panels[0], labels)
        for panel, (share, rows) in zip(panels, levels.items(), strict=True):
            void = f"\nvoid: {rows[0]['void']}" if rows[0]["void"] else ""
            panel.set_title(
                canvas.plain(f"{share:.0%} of the way: {rows[0]['target']:.4g}{void}"), fontsize=9, loc="left"
            )
            panel.grid(visible=False, axis="y")
            for place, (label, own) in enumerate(group(rows).items()):
                _bar(panel, [row["epochs"] for row in own], styles[label], place)
        figure.supxlabel(
            "epochs (passes over the training set) until the target is met", y=under(caption), fontsize=9.5
        )
        return canvas.save(figure, folder, "time_to_target", caption, to_csv(table))


def _bar(axes: Axes, epochs: Sequence[float], style: Style, place: int) -> None:
    """Draws one optimizer's times; what cannot be drawn is written."""
    told, end = summarise_times(epochs), axes.get_xlim()[1]
    if math.isfinite(told.median):
        axes.barh(place, told.median, height=0.5, facecolor=style.color, alpha=0.35, edgecolor=style.color, zorder=2)
    if math.isfinite(told.low):
        axes.plot([told.low, min(told.high, end)], [place, place], color=canvas.INK, linewidth=1.3, zorder=4)
    alive = [value for value in epochs if math.isfinite(value)]
    heights = [place + 0.36 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]
    axes.plot(alive, heights, **dot(style), markersize=4, mew=0, zorder=3)
    if told.misses:
        half = "" if math.isfinite(told.median) else " (the median: never)"
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        axes.annotate(f"not reached {told.misses}/{told.n}{half}", (0.02, place - 0.27), va="bottom", fontsize=7.5,
                      xycoords=("axes fraction", "data"), bbox=paper, zorder=5)  # fmt: skip
