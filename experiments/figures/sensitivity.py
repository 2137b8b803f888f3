"""How hard an optimizer is to tune: the score lost against the learning rate, as a multiple of its best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from experiments.figures import canvas, column, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import label_ends, looks, of
from experiments.figures.tuning import decades
from experiments.text import Table, group

BODY, A_LABEL = 150.0, 13.0  # points: height of the axes at least, and of a label at the end of a line
LEFT, LEAST = 38.0, 110.0  # points: left of the axes, and their width at least
POINT = 1.0  # up to here the axis is linear: what may be lost
MOST = 1e3  # where it ends at the latest, %
ROOM = 1.7  # a factor, left and right of the rates
FAR = (1e-4, 1e4)  # multiples beyond which nothing is of interest


def draw(table: Table, context: Context) -> Figure:
    """Draws all optimizers over the multiple of their own best rate; one whose rates all diverged has no line."""
    lines = {label: own for label, own in group(table).items() if any(math.isfinite(row["lost"]) for row in own)}
    texts = {label: f"{label}  {decades(own[0])}" for label, own in lines.items()}
    right = column.for_ends([*texts.values(), "decades"])
    body = max(BODY, A_LABEL * len(lines))
    figure, axes = column.sheet(context.caption, body, LEFT, right, least=LEAST)
    _scale(axes, [row for own in lines.values() for row in own])
    ranked = {label: own[0]["width_decades"] for label, own in lines.items()}
    seen = looks(_merits(lines, context), context.styles, context.kept)
    order = sorted(lines, key=lambda label: -ranked[label])
    ends = [_line(axes, lines[label], seen[label], texts[label]) for label in order]
    label_ends(axes, ends, column.LETTERS, column.LEAD)
    lost = "lost, points" if table[0]["higher_is_better"] else "above the lowest, %"
    axes.set_ylabel(f"validation {context.score} {lost}")
    axes.set_xlabel("multiple of the best rate (log)")
    return figure


def _merits(lines: Mapping[str, Table], context: Context) -> dict[str, float]:
    """Returns what the colours go by: the order of the best test scores, and after those the widest."""
    first = {label: 1e3 - place for place, label in enumerate(context.best)}
    return {label: first.get(label, float(own[0]["width_decades"])) for label, own in lines.items()}


def _scale(axes: Axes, table: Table) -> None:
    """Makes the axis of losses linear up to a point and logarithmic beyond, and marks what loses less."""
    most = max(row["lost"] for row in table if math.isfinite(row["lost"]))
    axes.set_yscale("symlog", linthresh=POINT, linscale=0.5)
    top = min(MOST, max(2.0, 1.25 * most))
    axes.set_ylim(-0.15, top)
    marks = [m * 10.0**k for k in range(4) for m in ((1, 2, 5) if top < 200 else (1, 3)) if m * 10.0**k <= top]
    scales.ticks(axes.yaxis, FixedLocator([0.0, *marks]))
    axes.axhspan(-0.15, POINT, color="#EFEFEF", linewidth=0, zorder=0)
    factors = [row["multiple"] for row in table]
    low, high = max(min(factors) / ROOM, FAR[0]), min(max(factors) * ROOM, FAR[1])
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    first_even = sorted(powers, key=lambda k: (k % 2, abs(k)))
    scales.ticks(axes.xaxis, FixedLocator(scales.roomy(axes, [10.0**k for k in first_even])))
    axes.axvline(1, color=canvas.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)


def _line(axes: Axes, own: Table, style: Mapping[str, Any], text: str) -> tuple[float, float, str, Mapping[str, Any]]:
    """Draws one optimizer, as far as its rates did not diverge; returns where its line ends."""
    alive = [(row["multiple"], row["lost"]) for row in own if math.isfinite(row["lost"])]
    with of(own[0]["optimizer"], axes):
        axes.plot(*zip(*alive, strict=True), **{"linewidth": 1.4, "markersize": 3.5, "zorder": 3, **style})
        lost = [row["multiple"] for row in own if not math.isfinite(row["lost"])]
        beyond = [multiple for multiple in lost if multiple > alive[-1][0]]
        if beyond:
            top = axes.get_ylim()[1]
            axes.plot(min(beyond), top, "x", color=style["color"], mew=1.6, markersize=5, clip_on=False, zorder=4)
    return alive[-1][0], min(alive[-1][1], axes.get_ylim()[1]), text, style
