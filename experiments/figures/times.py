"""How long each optimizer takes to a target: medians and quartiles, and speed-ups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.analysis.statistics.times import summarise_times
from experiments.figures import canvas, scales
from experiments.figures.canvas import HEIGHT, INK, QUIET, Context, plain
from experiments.figures.looks import FEW, dot, name_rows, of, room_for, under
from experiments.studies import Style
from experiments.text import Table, group

GAP = 0.13  # share of an axis that a number above it takes


def draw(table: Table, context: Context) -> Figure:
    """Draws a panel for each level of the target that is valid, all on one axis of time."""
    shown = [row for row in table if not row["void"]]
    labels, levels = list(group(shown)), group(shown, "share")
    # The axis of speed-ups stands between the panels and their titles.
    height = HEIGHT + 0.3 * max(0, len(labels) - FEW)
    grid: Any = {"grid": (1, len(levels)), "gap": (0.06, 0.3), "height": height, "left": room_for(labels)}
    figure, panels = canvas.sheet(context.caption, room=0, **grid)
    heading = 0.3 if len(levels) > 1 else 0.55  # inches; several panels have room for their titles
    figure.subplots_adjust(top=panels[0].get_position().y1 - heading / height)
    finite = [row["epochs"] for row in shown if math.isfinite(row["epochs"])]
    panels[0].set_xlim(0, 1.28 * max([*finite, 1.0]))  # with room for a number at the right
    panels[0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    name_rows(panels[0], labels)
    for panel, (share, rows) in zip(panels, levels.items(), strict=True):
        panel.grid(visible=False, axis="y")
        for place, (label, own) in enumerate(group(rows).items()):
            with of(label, panel):
                _bar(panel, own, context.styles[label], place)
        above = 32 if _speed_axis(panel, rows) else 6
        title = plain(f"{share:.0%} of the way: {rows[0]['target']:.4g}")
        panel.set_title(title, fontsize=9.5, loc="left", pad=above)
    words = "epochs until the target is met"
    figure.supxlabel(words, y=under(context.caption, height), fontsize=9.5)
    return figure


def _speed_axis(axes: Axes, rows: Table) -> bool:
    """Draws the axis of speed-ups above a panel, and a line at the reference; returns whether there is a reference."""
    reference = [row["epochs"] for row in rows if row["optimizer"] == row["reference"]]
    if not reference:
        return False
    median = summarise_times(reference).median
    unit, end = min(median, rows[0]["budget"] + 1.0), axes.get_xlim()[1]
    above = axes.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    kept: list[float] = []
    for mark in (1, 2, 1 / 2, 4, 1 / 4, 8, 1 / 8):  # those nearest to 1 first
        if GAP * end / 2 < unit / mark < end and all(abs(unit / mark - place) > GAP * end for place in kept):
            kept.append(unit / mark)
    above.xaxis.set_major_locator(FixedLocator(kept))
    above.xaxis.set_minor_locator(NullLocator())
    above.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{unit / x:.2g} x" if x else ""))
    above.tick_params(labelsize=8)
    above.set_xlabel(plain(f"times as fast as {rows[0]['reference']}"), fontsize=8.5, loc="left", labelpad=3)
    if unit < end:
        axes.axvline(unit, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    return True


def speed_words(row: Mapping[str, Any]) -> str:
    """Returns a speed-up in words, a bound where one of the two medians is never; empty where there is nothing."""
    if math.isnan(row["speed_up"]) or (row["never"] and row["reference_never"]):
        return ""
    bound = "≤ " if row["never"] else "≥ " if row["reference_never"] else ""
    return f"{bound}{row['speed_up']:.2g} x"


def _bar(axes: Axes, own: Table, style: Style, place: int) -> None:
    """Draws one optimizer's times and its speed-up; what cannot be drawn is written."""
    epochs = [row["epochs"] for row in own]
    middle, end = summarise_times(epochs), axes.get_xlim()[1]
    if math.isfinite(middle.median):
        axes.barh(place, middle.median, height=0.5, facecolor=style.color, alpha=0.35, edgecolor=style.color, zorder=2)
    if math.isfinite(middle.low):
        axes.plot([middle.low, min(middle.high, end)], [place, place], color=INK, linewidth=1.3, zorder=4)
    alive = [value for value in epochs if math.isfinite(value)]
    heights = [place + 0.36 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]
    axes.plot(alive, heights, **dot(style), markersize=4, mew=0, zorder=3)
    across = axes.get_yaxis_transform()
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    said: Any = {"transform": across, "fontsize": 8, "bbox": paper, "zorder": 5}
    axes.text(0.99, place, speed_words(own[0]), ha="right", va="center", **said)
    if middle.misses:
        inside = math.isinf(middle.median)  # there is no bar then
        axes.text(0.02, place - (0 if inside else 0.27), f"not reached {middle.misses}/{middle.n}",
                  va="center" if inside else "bottom", **said)  # fmt: skip


def draw_speed_ups(table: Table, context: Context) -> Figure:
    """Draws the speed-ups of each optimizer on a logarithmic axis, the geometric means as diamonds."""
    lines = group(table)
    figure, (axes,) = canvas.sheet(context.caption, room=len("0.00 x, 00 not reached"), left=room_for(list(lines)))
    axes.set_xscale("log", base=2)
    found = [row["speed_up"] for row in table]
    low, high = min(0.7, *found) / 1.15, max(1.4, *found) * 1.15
    axes.set_xlim(low, high)
    powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
    scales.ticks(axes.xaxis, FixedLocator([2.0**k for k in powers]), "{:g} x")
    axes.axvline(1, color=INK, linewidth=1)
    for place, (label, own) in enumerate(lines.items()):
        with of(label, axes):
            _row(axes, own, context.styles[label], place)
    name_rows(axes, list(lines))
    axes.set_xlabel(plain(f"times as fast as {table[0]['reference']} (logarithmic axis)"))
    return figure


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
