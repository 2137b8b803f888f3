"""Where the runs of each optimizer end: a dot a seed with intervals and ties, and differences seed by seed."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.figures import canvas, column, scales
from experiments.figures.canvas import Context, plain
from experiments.figures.looks import dot, name_rows, of, room_for
from experiments.studies import Style
from experiments.text import Table, group

ROW, ROOMY, ALL = 14.0, 20.0, 110.0  # points from one optimizer to the next: least and most, and of a few rows together
BRACKET = 12.0  # points between the axes and the numbers, for the bracket over ties
UNBROKEN = "\N{NO-BREAK SPACE}"  # browsers draw several spaces of an SVG as one
HEADING = 14.0  # points above the axes, for the heading of the numbers


def draw_seeds(table: Table, context: Context) -> Figure:
    """Draws the error of each run after the last epoch, a row an optimizer, the best first, its numbers at the right.

    A bracket joins all that tie with the best.
    """
    lines = group(table)
    alike = len({own[0]["runs"] for own in lines.values()}) == 1
    places = _places([own[0] for own in lines.values()])
    numbers = {label: _numbers(own, places, alike=alike) for label, own in lines.items()}
    heading = f"mean [95 % CI]{', n = {}'.format(table[0]['runs']) if alike else ', n'}"
    left = column.widest(list(lines)) + column.EDGE + 4
    right = BRACKET + max(column.widest(list(numbers.values())), column.widest([heading])) + column.EDGE
    row = max(ROW, min(ROOMY, ALL / len(lines)))
    figure, axes = column.sheet(context.caption, row * len(lines), left, right, HEADING)
    name_rows(axes, list(lines))
    axes.tick_params(axis="y", length=0)
    floor = 50 * context.step if table[0]["unit"] else 0.0
    seen = [row[key] for row in table for key in ("error", "low", "high")]
    log = scales.error_scale(axes.xaxis, seen, floor)
    at: Any = {"xycoords": ("axes fraction", "data"), "xytext": (BRACKET, 0), "textcoords": "offset points"}
    for place, (label, own) in enumerate(lines.items()):
        with of(label, axes):
            _runs(axes, own, context.styles[label], place, floor if log else -math.inf)
            axes.annotate(numbers[label], (1, place), va="center", fontsize=column.LETTERS, annotation_clip=False, **at)
    axes.annotate(heading, (1, 1), xycoords="axes fraction", xytext=(BRACKET, 3), textcoords="offset points",
                  fontsize=column.LETTERS, color=canvas.QUIET, annotation_clip=False)  # fmt: skip
    tied = [place for place, own in enumerate(lines.values()) if own[0]["tied"]]
    if len(tied) > 1:
        _bracket(axes, tied)
    what = "error, %" if table[0]["unit"] else context.score
    axes.set_xlabel(f"test {what}{' (log axis)' if log else ''}")
    return figure


def _runs(axes: Axes, own: Table, style: Style, place: int, floor: float) -> None:
    """Draws one optimizer's runs, its mean and its interval."""
    alive = [max(row["error"], floor) for row in own if math.isfinite(row["error"])]
    heights = [place - 0.18 + 0.26 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]  # always in the same way
    axes.plot(alive, heights, **dot(style), markersize=3.2, alpha=0.7, mew=0, zorder=3)
    mean, low, high = (own[0][key] for key in ("mean", "low", "high"))
    if math.isfinite(mean):
        below = place + 0.2
        if math.isfinite(low):
            ends = [max(low, floor), max(high, floor)]
            axes.plot(ends, [below] * 2, color=style.color, linewidth=1.6, zorder=4, solid_capstyle="butt")
        axes.plot(max(mean, floor), below, "D", color=style.color, markersize=4.2, mec="white", mew=0.6, zorder=5)


def _numbers(own: Table, places: int, *, alike: bool) -> str:
    """Returns mean, interval and, where it differs, number of runs; what there is no mean of in words."""
    first = own[0]
    if first["diverged"]:
        return f"{first['diverged']} of {first['runs']} diverged"
    if not math.isfinite(first["mean"]):
        return f"{first['runs']} runs, some missing"
    mean, low, high = (_digits(first[key], places) for key in ("mean", "low", "high"))
    interval = f" [{low}, {high}]" if math.isfinite(first["low"]) else ""
    return f"{mean}{interval}{'' if alike else ', {}'.format(first['runs'])}"


def _places(rows: Table) -> int:
    """Returns the decimals of all numbers, such that the middle one of the intervals has two digits: 1 to 4."""
    wide = [(row["high"] - row["low"]) / 2 for row in rows if math.isfinite(row["high"] - row["low"])]
    known = sorted(half for half in wide if half > 0)
    return max(1, min(4, 1 - math.floor(math.log10(known[len(known) // 2])))) if known else 1


def _digits(value: float, places: int) -> str:
    """Returns a number with so many decimals; a tiny one with three digits."""
    return f"{value:.3g}" if 0 < abs(value) < 0.5 * 10.0**-places else f"{value:.{places}f}"


def draw_differences(table: Table, context: Context) -> Figure:
    """Draws the difference between the best and each other optimizer, seed by seed."""
    labels, best = list(group(table)), table[0]["best"]
    figure, (panel,) = canvas.sheet(context.caption, room=34, left=room_for(labels))
    panel.axvline(0, color=canvas.INK, linewidth=1)
    for place, (label, own) in enumerate(group(table).items()):
        with of(label, panel):
            _points(panel, own, "difference", context.styles[label], place)
            says = own[0]["says"].replace(" ", UNBROKEN)
            panel.annotate(says, (1.015, place), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
                           family="monospace", annotation_clip=False)  # fmt: skip
    name_rows(panel, labels)
    axis = _differences_scale(panel, [row[key] for row in table for key in ("difference", "low", "high")])
    panel.set_xlabel(f"test {context.score}: {plain(best)} minus the optimizer, seed by seed{axis}")
    return figure


def _points(axes: Axes, own: Table, column: str, style: Style, place: int) -> None:
    """Draws one optimizer's seeds, its mean and its interval."""
    look = dot(style)
    alive = [row[column] for row in own if math.isfinite(row[column])]
    heights = [place + 0.3 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]  # apart, always in the same way
    axes.plot(alive, heights, **look, markersize=5, alpha=0.75, mew=0, zorder=3)
    lost = len(own) - len(alive)
    if lost:
        axes.annotate(f"{lost} of {len(own)} diverged", (0.99, place + 0.32), xycoords=("axes fraction", "data"),
                      fontsize=8, va="center", ha="right", color=style.color)  # fmt: skip
    mean, low, high = own[0]["mean"], own[0]["low"], own[0]["high"]
    if math.isfinite(mean) and math.isfinite(low):
        axes.plot([low, high], [place + 0.32] * 2, color=style.color, linewidth=2.2, zorder=4, solid_capstyle="butt")
        axes.plot(mean, place + 0.32, "D", color=style.color, markersize=5.5, mec="white", zorder=5)


def _differences_scale(axes: Axes, values: list[float]) -> str:
    """Makes an axis cover differences of very different size, and returns what to say of it."""
    ends = [value for value in values if math.isfinite(value)] or [0.0]
    sizes = sorted(abs(value) for value in ends if value) or [0.01]
    low, high = min(0.0, *ends), max(0.0, *ends)
    middle = sizes[len(sizes) // 2]
    if sizes[-1] <= 8 * middle:
        room = 0.06 * (high - low) or 0.01
        axes.set_xlim(low - room, high + room)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        words = ""
    else:
        linear = float(f"{middle:.1g}")
        axes.set_xscale("symlog", linthresh=linear, linscale=1.2)
        axes.set_xlim(1.4 * low - linear / 4, 1.4 * high + linear / 4)
        decades = range(math.floor(math.log10(linear)), math.ceil(math.log10(sizes[-1])) + 1)
        beyond = [tick for m in (1, 5, 2) for k in decades if (tick := m * 10.0**k) >= linear]
        ticks = scales.roomy(axes, [0.0, *(end for tick in beyond for end in (tick, -tick))])
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        words = f" (axis logarithmic beyond {linear:g})"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    return words


def _bracket(axes: Axes, tied: list[int]) -> None:
    """Draws a bracket right of the axes over the rows that tie, a tick at each; other rows may lie between them."""
    ink: Any = {"color": canvas.INK, "linewidth": 1.1, "transform": axes.get_yaxis_transform(), "clip_on": False}
    width = axes.get_position().width * axes.figure.get_size_inches()[0] * 72  # type: ignore[union-attr]
    spine, tip = 1 + 7 / width, 1 + 3 / width
    axes.plot([spine] * 2, [tied[0], tied[-1]], **ink, solid_capstyle="projecting")
    for place in tied:
        axes.plot([tip, spine], [place] * 2, **ink)
