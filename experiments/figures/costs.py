"""Costs: scores against time and memory, all that was computed for each optimizer, and the timing pass."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from experiments.analysis.cost_rows import BYTES, PARTS, timed
from experiments.analysis.timing_table import MIB, middle
from experiments.figures import canvas, scales
from experiments.figures.canvas import Context, plain, wrapped
from experiments.figures.looks import FEW, apart, dot, name_rows, of, room_for
from experiments.studies import Style
from experiments.text import Table, group

BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}  # a name may stand on the frontier
NAME, LEAD = 8.5, 9  # points: the letters of names, and how far a name is from its point
WIDE = 8.0  # times, from which on an axis has no room for each digit


def draw(table: Table, context: Context) -> Figure:
    """Draws the score against what it costs; times only where there is a timing pass."""
    columns = [("state_bytes_per_parameter", "bytes of state for each parameter\n(logarithmic axis from 4 on)")]
    if all(math.isfinite(row["seconds_per_step"]) for row in table):
        columns.insert(0, ("seconds_per_step", "seconds of a step\n(logarithmic axis)"))
    figure, panels = canvas.sheet(context.caption, room=0, grid=(1, len(columns)), gap=(0.16, 0.3), share=False)
    for panel, (column, words) in zip(panels, columns, strict=True):
        _cost_axis(panel, table, column)
        ends = [row[key] for row in table for key in ("score", "low", "high")]
        words_of_scale = scales.score_scale(panel.yaxis, ends, table[0]["higher_is_better"])
        x, y = ([*(row[key] for row in frontier(table, column))] for key in (column, "score"))
        panel.step([*x, panel.get_xlim()[1]], [*y, y[-1]], where="post", color=canvas.QUIET, linewidth=1, zorder=1)
        _points(panel, table, column, context.styles)
        panel.set_xlabel(words)
    panels[0].set_ylabel(f"test {context.score}, mean\n({words_of_scale})")
    return figure


def _cost_axis(axes: Axes, table: Table, column: str) -> None:
    """Makes an axis of costs logarithmic; optimizers that keep nothing stand at 0, a doubling left of one number."""
    found = [row[column] for row in table]
    low, high = min(found), max(found)
    if column == "seconds_per_step":
        axes.set_xscale("log")
        axes.set_xlim(low / 1.2, high * 1.2 * (high / low) ** 0.25)
        wide = high > WIDE * low
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else tuple(range(1, 10))))
        axes.tick_params(axis="x", labelsize=8)
    else:
        axes.set_xscale("symlog", base=2, linthresh=BYTES, linscale=1)
        axes.set_xlim(-BYTES / 3, max(high, BYTES) * 2.2)
        axes.xaxis.set_major_locator(FixedLocator([0, *(BYTES * 2**k for k in range(8) if BYTES * 2**k <= 2 * high)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def frontier(table: Table, column: str) -> list[Mapping[str, Any]]:
    """Returns the optimizers that no other beats in cost and score at once, the cheapest first."""
    sign = 1 if table[0]["higher_is_better"] else -1
    kept: list[Mapping[str, Any]] = []
    for row in sorted(table, key=lambda row: (row[column], -sign * row["score"])):
        if not kept or sign * row["score"] > sign * kept[-1]["score"]:
            kept.append(row)
    return kept


def _points(axes: Axes, table: Table, column: str, styles: Mapping[str, Style]) -> None:
    """Draws the optimizers, each with its name next to it; names that would touch are moved apart."""
    places = _places(axes, table, column)
    where = ("data", "axes fraction")
    for row in table:
        with of(row["optimizer"], axes):
            color, (side, place) = styles[row["optimizer"]].color, places[row["optimizer"]]
            if math.isfinite(row["low"]):
                axes.plot([row[column]] * 2, [row["low"], row["high"]], color=color, linewidth=1.2, alpha=0.8)
            axes.plot(row[column], row["score"], **dot(styles[row["optimizer"]]), markersize=7, zorder=3)
            axes.annotate(plain(row["optimizer"]), (row[column], place), (LEAD * side, 0), xycoords=where, va="center",
                          ha="left" if side > 0 else "right", textcoords="offset points", fontsize=NAME, bbox=BEHIND,
                          zorder=2)  # fmt: skip


def _places(axes: Axes, table: Table, column: str) -> dict[str, tuple[int, float]]:
    """Returns for each name its side of the point, 1 for the right, and its height, a share of that of the axes."""
    width, height = (size * 72 for size in (axes.get_position().width * canvas.WIDTH,
                                            axes.get_position().height * canvas.HEIGHT))  # fmt: skip
    to_axes = axes.transData + axes.transAxes.inverted()
    reached: list[tuple[float, float, str, int, float]] = []  # from, to, points; name, side, height
    for row in table:
        x, y = to_axes.transform((row[column], row["score"]))
        room = LEAD + canvas.width_of(row["optimizer"], NAME) / canvas.SLACK
        side = 1 if width * x + room <= width else -1
        ends = sorted((width * x, width * x + side * room))
        reached.append((*ends, row["optimizer"], side, float(y)))
    found: dict[str, tuple[int, float]] = {}
    beside: list[tuple[float, float, str, int, float]] = []  # names that reach over one another, from left to right
    for one in [*sorted(reached), None]:
        if beside and (one is None or one[0] > max(other[1] for other in beside)):
            heights = apart([other[4] for other in beside], 11 / height, ceiling=1.0, floor=0.02)
            found |= {other[2]: (other[3], place) for other, place in zip(beside, heights, strict=True)}
            beside = []
        beside += [one] if one else []
    return found


# Shade and hatch of the parts, so that they differ without colours.
SHADES: Any = ({"alpha": 0.85}, {"alpha": 0.5, "hatch": "////"}, {"alpha": 0.3}, {"alpha": 0.0, "hatch": "xxxx"})
LOOKS: Mapping[str, Any] = dict(zip(PARTS, SHADES, strict=True))


def draw_spent(table: Table, context: Context) -> Figure:
    """Draws a bar for each optimizer, its parts one after the other."""
    lines, hours = group(table), timed(table)
    key, unit = ("core_hours", 1.0) if hours else ("gradients", 1e6)
    whole = {label: sum(row[key] for row in own) / unit for label, own in lines.items()}
    words = "core hours" if hours else "millions of gradients of single examples"
    if hours and max(whole.values()) < 1:
        unit, words = 1 / 60, "core minutes"
        whole = {label: 60 * value for label, value in whole.items()}
    height = canvas.HEIGHT + 0.2 * max(0, len(lines) - FEW)
    with mpl.rc_context({"hatch.linewidth": 0.7}):
        left = room_for(list(lines))
        figure, (axes,) = canvas.sheet(context.caption, room=len("0.00"), left=left, height=height)
        figure.subplots_adjust(top=axes.get_position().y1 - 0.2 / height)  # room for the names of the parts
        axes.set_axisbelow(True)
        axes.set_xlim(0, 1.02 * max([*whole.values(), 1e-9]))
        for place, (label, own) in enumerate(lines.items()):
            with of(label, axes):
                start, color = 0.0, context.styles[label].color
                for row in own:
                    size, look = row[key] / unit, LOOKS[row["part"]]
                    face = to_rgba(color, look["alpha"])
                    axes.barh(
                        place, size, left=start, height=0.6, facecolor=face, edgecolor=color, hatch=look.get("hatch")
                    )
                    start += size
                axes.annotate(f"{whole[label]:.3g}", (1.015, place), xycoords=("axes fraction", "data"), va="center",
                              fontsize=8.5, annotation_clip=False)  # fmt: skip
        name_rows(axes, list(lines))
        scales.ticks(axes.xaxis, MaxNLocator(6))
        axes.set_xlabel(words)
        _names(axes, table)
    return figure


def _names(axes: Any, table: Table) -> None:
    """Names the parts that there are, above the bars."""
    there = [part for part in PARTS if any(row["part"] == part and row["gradients"] for row in table)]
    looks = [LOOKS[part] for part in there]
    keys = [
        Patch(facecolor=to_rgba(canvas.QUIET, look["alpha"]), edgecolor=canvas.QUIET, hatch=look.get("hatch"))
        for look in looks
    ]
    place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.1, "borderpad": 0}
    axes.legend(keys, there, ncols=len(there), fontsize=8.5, frameon=False, **place)


@dataclasses.dataclass(frozen=True)
class Panel:
    """One column of the figure: what of a repetition it shows, in which unit, and what its axis is called."""

    column: str
    unit: float
    words: str
    log: bool = False


PANELS = (
    Panel("seconds_per_step", 1e-3, "ms a step\n(logarithmic axis)", log=True),
    Panel("seconds_compiling", 1.0, "seconds of\ncompiling"),
    Panel("peak_resident_bytes", MIB, "most memory\nof the process, MiB"),
    Panel("peak_device_bytes", MIB, "most memory\non the GPU, MiB"),
    Panel("state_bytes_per_parameter", 1.0, "bytes of state\nfor each parameter"),
)


def draw_timing(table: Table, context: Context) -> Figure:
    """Draws a row for each optimizer and a column for each of its costs."""
    panels = [panel for panel in PANELS if all(math.isfinite(row[panel.column]) for row in table)]
    own = group(table)
    height = max(3.6, 2.4 + 0.34 * len(own) + 0.17 * len(wrapped((*context.caption.lines, *context.caption.footer))))
    widths = [2.2, *(1.0 for _ in panels[1:])]
    left, grid = room_for(list(own)), (1, len(panels))
    figure, axes = canvas.sheet(context.caption, 0, grid, (0.14, 0.28), height, left=left, share=False, widths=widths)
    for place, (one, panel) in enumerate(zip(axes, panels, strict=True)):
        name_rows(one, list(own))
        if place:
            one.tick_params(axis="y", labelleft=False)
        _scale(one, [row[panel.column] / panel.unit for row in table], log=panel.log)
        for number, (label, taken) in enumerate(own.items()):
            with of(label, one):
                _mark(one, number, [row[panel.column] / panel.unit for row in taken], context.styles[label])
        one.set_xlabel(panel.words, fontsize=8.5)
    _multiples(axes[0], own)
    return figure


def _mark(axes: Axes, place: int, values: Sequence[float], style: Style) -> None:
    found = middle(values)
    axes.plot([found.low, found.high], [place] * 2, color=style.color, linewidth=5, alpha=0.35, solid_capstyle="butt")
    axes.plot(values, [place] * len(values), style.marker, color=style.color, markersize=4, mfc="none", mew=0.9)
    axes.plot([found.median] * 2, [place - 0.28, place + 0.28], color=style.color, linewidth=2)


def _scale(axes: Axes, values: Sequence[float], *, log: bool) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axes.tick_params(axis="x", labelsize=8)
    if not log:
        axes.set_xlim(0, 1.1 * max(values) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
        return
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 1.2, max(values) * (max(values) / min(values)) ** 0.3 * 1.2)
    subs = (1.0,) if max(values) > 300 * min(values) else (1.0, 2.0, 5.0)
    scales.ticks(axes.xaxis, LogLocator(subs=subs), "{:,g}")


def _multiples(axes: Axes, own: Mapping[str, Table]) -> None:
    """Writes next to each row its step as a multiple of that of SGD, where SGD takes part."""
    medians = {label: middle([row["seconds_per_step"] for row in taken]).median for label, taken in own.items()}
    sgd = next(iter(own.values()))[0]["reference"]
    for place, (label, taken) in enumerate(own.items() if sgd else ()):
        most = max(row["seconds_per_step"] for row in taken) * 1e3
        quiet: Any = {"fontsize": 8.5, "color": canvas.QUIET, "va": "center"}
        times = f"x {medians[label] / medians[sgd]:.3g}"
        with of(label, axes):
            axes.annotate(times, (most, place), xytext=(8, 0), textcoords="offset points", **quiet)
