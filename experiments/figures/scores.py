"""Where the runs of each optimizer end: a dot a seed with intervals and ties, and differences seed by seed."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.figures import canvas, scales
from experiments.figures.canvas import Context, plain
from experiments.figures.looks import dot, name_rows, of, room_for, under
from experiments.studies import Style
from experiments.text import Table, group


def draw_dots(table: Table, context: Context) -> Figure:
    """Draws the scores after the last epoch, training left and test right, each with its own axis."""
    labels = list(group(table))
    left = room_for(labels)
    figure, panels = canvas.sheet(context.caption, room=0, grid=(1, 2), gap=(0.1, 0.3), share=False, left=left)
    for panel, (split, rows) in zip(panels, group(table, "split").items(), strict=True):
        panel.set_title(f"{'training' if split == 'train' else split} {context.score}", fontsize=10, loc="left")
        name_rows(panel, labels if panel is panels[0] else [""] * len(labels))
        seen = [row[key] for row in rows for key in ("score", "low", "high")]
        axis = scales.score_scale(panel.xaxis, seen, rows[0]["higher_is_better"])
        scales.mark_break(panel)
        for place, (label, own) in enumerate(group(rows).items()):
            with of(label, panel):
                _points(panel, own, "score", context.styles[label], place)
    tied = [place for place, (_, own) in enumerate(group(table).items()) if own[0]["tied"]]
    if len(tied) > 1:
        _bracket(panels[1], tied)
    text = f"{context.score} after the last epoch ({axis})"
    figure.supxlabel(text, y=under(context.caption), fontsize=9.5)
    return figure


def draw_differences(table: Table, context: Context) -> Figure:
    """Draws the difference between the best and each other optimizer, seed by seed."""
    labels, best = list(group(table)), table[0]["best"]
    figure, (panel,) = canvas.sheet(context.caption, room=34, left=room_for(labels))
    panel.axvline(0, color=canvas.INK, linewidth=1)
    for place, (label, own) in enumerate(group(table).items()):
        with of(label, panel):
            _points(panel, own, "difference", context.styles[label], place)
            panel.annotate(own[0]["says"], (1.015, place), xycoords=("axes fraction", "data"), va="center",
                           fontsize=8.5, family="monospace", annotation_clip=False)  # fmt: skip
    name_rows(panel, labels)
    axis = _differences_scale(panel, [row[key] for row in table for key in ("difference", "low", "high")])
    panel.set_xlabel(f"test {context.score} of {plain(best)} less that of the optimizer, seed by seed{axis}")
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
        beyond = [tick for k in decades for m in (1, 2, 5) if (tick := m * 10.0**k) >= linear]
        axes.xaxis.set_major_locator(FixedLocator([*(-tick for tick in beyond), 0.0, *beyond]))
        axes.xaxis.set_minor_locator(NullLocator())
        words = f" (axis logarithmic beyond {linear:g})"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    return words


def _bracket(axes: Axes, tied: list[int]) -> None:
    """Draws what holds the rows of the tie group together, right of the axes; other rows may lie between them."""
    for place in tied:
        first, last = place - 0.36, place + (0.64 if place + 1 in tied else 0.4)
        axes.plot([1.015] * 2, [first, last], color=canvas.INK, linewidth=2.2, transform=axes.get_yaxis_transform(),
                  clip_on=False, solid_capstyle="butt")  # fmt: skip
