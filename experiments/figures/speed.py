"""Speed-ups over several problems: how many times as fast as a usual optimizer each one reaches the targets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.analysis.statistics import speed_up
from experiments.figures import canvas
from experiments.figures.base import Table, dot, group, name_rows, room_for
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import from_csv, to_csv

HOW = (
    "Dot: a problem, median over seeds of the passes to its target, that of {reference} divided by the optimizer's; "
    "diamond: geometric mean over problems. A median that is never counts as the budget and one pass; open: one of the "
    "two is never."
)


def table_of(times: Table, reference: str) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and problem whose target is valid, the fastest first; none without a reference.

    Args:
        times: a row for each optimizer and problem with its median passes, its budget, and why its target is void.
        reference: the optimizer that others are compared with; empty for none.
    """
    own = group([row for row in times if not row["void"]])
    if reference not in own:
        return []
    usual, budgets = [row["epochs"] for row in own[reference]], [row["budget"] for row in own[reference]]
    means = {label: speed_up(usual, [row["epochs"] for row in rows], budgets) for label, rows in own.items()}
    return [
        {
            **{key: row[key] for key in ("study", "data", "model", "problem", "optimizer", "epochs", "budget")},
            "reference": reference,
            "reference_epochs": one,
            "speed_up": speed_up([one], [row["epochs"]], [row["budget"]]),
            "mean_speed_up": means[label],
        }
        for label in sorted(own, key=lambda label: -means[label])
        for row, one in zip(own[label], usual, strict=True)
    ]


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    numbers = ("epochs", "reference_epochs", "speed_up", "mean_speed_up")
    return from_csv(text, {**dict.fromkeys(numbers, float), "budget": int})


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws the speed-ups of each optimizer on a logarithmic axis, the geometric means as diamonds.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    lines = group(table)
    with mpl.rc_context(canvas.STYLE):
        figure, (axes,) = canvas.sheet(caption, room=len("0.00 x, 00 not reached"), left=room_for(list(lines)))
        axes.set_xscale("log", base=2)
        found = [row["speed_up"] for row in table]
        low, high = min(0.7, *found) / 1.15, max(1.4, *found) * 1.15
        axes.set_xlim(low, high)
        powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
        axes.xaxis.set_major_locator(FixedLocator([2.0**k for k in powers]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g} x"))
        axes.axvline(1, color=canvas.INK, linewidth=1)
        for place, (label, own) in enumerate(lines.items()):
            with canvas.of(label, axes):
                _row(axes, own, styles[label], place)
        name_rows(axes, list(lines))
        axes.set_xlabel(canvas.plain(f"times as fast as {table[0]['reference']} (logarithmic axis)"))
        return canvas.save(figure, folder, "speed_ups", caption, to_csv(table))


def _row(axes: Any, own: Table, style: Style, place: int) -> None:
    for i, row in enumerate(own):
        height = place + 0.3 * (((5 * i) % 7) / 6 - 0.5)
        missed = math.isinf(row["epochs"]) or math.isinf(row["reference_epochs"])
        axes.plot(row["speed_up"], height, **dot(style), markersize=5.5, mfc="white" if missed else style.color)
    mean = own[0]["mean_speed_up"]
    axes.plot(mean, place + 0.32, "D", color=style.color, markersize=7.5, mec="white", zorder=5)
    misses = sum(math.isinf(row["epochs"]) for row in own)
    said = f"{mean:.2g} x{f', {misses} not reached' if misses else ''}"
    axes.annotate(said, (1.015, place), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
                  annotation_clip=False)  # fmt: skip
