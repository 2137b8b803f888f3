"""The last fifth of learning curves in a panel of its own, for the optimizers whose ends lie close to the best."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.figures import canvas
from experiments.figures.base import FAINT

SHARE = 0.2  # of the horizontal axis
PANEL, MARGIN = 0.19, 0.065  # shares of the figure's width: the panel, and its numbers
CLOSE = 0.13  # share of the axis's height up to which a neighbour is close


@dataclasses.dataclass(frozen=True)
class Line:
    """What is drawn of an optimizer.

    Attributes:
        label: of the optimizer.
        text: what stands at the end of its line.
        x: where mean and band have points.
        mean: of the seeds.
        low: lower end of the band.
        high: upper end of the band.
        seeds: the points of each seed, as far as they are finite.
        stopped: of each seed, whether it stopped early.
    """

    label: str
    text: str
    x: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    seeds: Sequence[Sequence[tuple[float, float]]]
    stopped: Sequence[bool]


def room_for_late(letters: int) -> float:
    """Returns the share of the figure's width that labels at line ends take."""
    return (letters * 5.6 + 45) / 72 / canvas.WIDTH


def show_late(
    figure: Figure, axes: Axes, lines: Sequence[Line], looks: Mapping[str, Any], room: float, *, lower: bool
) -> None:
    """Makes room for the labels of the lines, and right of them draws the last fifth of those that end close together.

    Where no other ends close to the best, there is nothing to enlarge, and the axes take the room.

    Args:
        figure: with its one axes.
        axes: with their final limits.
        lines: what is drawn in them.
        looks: how the line of each optimizer is drawn.
        room: share of the width that the labels take.
        lower: whether less is better.
    """
    chosen = close(axes, lines, lower=lower)
    box = axes.get_position()
    right = 0.985 - room - (PANEL + MARGIN if chosen else 0)
    axes.set_position((box.x0, box.y0, right - box.x0, box.height))
    if not chosen:
        return
    panel = figure.add_axes((right + room + 0.008, box.y0, PANEL, box.height))
    last = axes.get_xlim()[1]
    panel.set_xlim((1 - SHARE) * last, last)
    seen: list[float] = []
    for line in chosen:
        with canvas.of(line.label, panel):
            seen += _tail(panel, line, looks[line.label], last)
    _frame(panel, seen)


def _tail(panel: Axes, line: Line, style: Mapping[str, Any], last: float) -> list[float]:
    """Draws the end of a line in the panel, and returns the heights that its scale must have."""
    tail = [i for i, x in enumerate(line.x) if x >= (1 - SHARE) * last * (1 - 1e-9)]
    first = max(tail[0] - 1, 0)  # so that the line comes from outside
    part = slice(first, None)
    marks = [tail[place * len(tail) // 4] - first for place in (1, 3)]
    panel.plot(line.x[part], line.mean[part], **{"linewidth": 1.8, "markersize": 5, "markevery": marks, **style})
    if style["color"] == FAINT:  # its band would flatten those that are told
        return []
    panel.fill_between(line.x[part], line.low[part], line.high[part], color=style["color"], alpha=0.13, linewidth=0)
    return [value for i in tail for value in (line.low[i], line.high[i])]


def close(axes: Axes, lines: Sequence[Line], *, lower: bool) -> list[Line]:
    """Returns the best line and those that end near it, one beside the other; none where it ends alone."""
    to_axes = axes.transData + axes.transAxes.inverted()
    last = axes.get_xlim()[1]
    whole = [line for line in lines if not any(line.stopped) and line.x[-1] >= last * (1 - 1e-9)]
    if len(whole) < 2:
        return []
    heights = {line.label: float(to_axes.transform((line.x[-1], line.mean[-1]))[1]) for line in whole}
    ordered = sorted(whole, key=lambda line: heights[line.label], reverse=not lower)
    chosen = ordered[:1]
    for line in ordered[1:]:
        if abs(heights[line.label] - heights[chosen[-1].label]) > CLOSE:
            break
        chosen.append(line)
    return chosen if len(chosen) > 1 else []


def _frame(panel: Axes, seen: Sequence[float]) -> None:
    """Gives the panel its scales, straight ones, and its words."""
    low, high = min(seen), max(seen)
    room = 0.06 * (high - low) or abs(high) / 100 or 0.01
    panel.set_ylim(low - room, high + room)
    panel.yaxis.tick_right()
    panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    panel.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_tick_params(labelsize=8.5)
    panel.spines["left"].set_visible(False)
    panel.spines["right"].set_visible(True)
    panel.set_xlabel("the last fifth of those near\nthe best (axes linear)", fontsize=8.5)
