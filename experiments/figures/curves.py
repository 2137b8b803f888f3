"""Learning curves: one line for each optimizer with its band over seeds, and right of them their last fifth."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.analysis.curves import Curve
from experiments.analysis.statistics.resampling import bootstrap, expanded, generator
from experiments.figures import canvas, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import FAINT, FEW, ended, label_ends, looks, of
from experiments.figures.scales import EPOCHS, GRADIENTS, STEPS, Across
from experiments.text import Table, group

MARKERS = 6  # on a line, however many points it has
SHARE = 0.2  # of the horizontal axis
PANEL, MARGIN = 0.19, 0.065  # shares of the figure's width: the panel, and its numbers
CLOSE = 0.13  # share of the axis's height up to which a neighbour is close


@dataclasses.dataclass(frozen=True)
class Line:
    """What is drawn of an optimizer."""

    label: str  # of the optimizer
    text: str  # what stands at the end of its line
    x: Sequence[float]  # where mean and band have points
    mean: Sequence[float]  # of the seeds
    low: Sequence[float]  # lower end of the band
    high: Sequence[float]  # upper end of the band
    seeds: Sequence[Sequence[tuple[float, float]]]  # the points of each seed, as far as they are finite
    stopped: Sequence[bool]  # of each seed, whether it stopped early


def draw(table: Table, context: Context, curve: Curve, across: Across = EPOCHS) -> Figure:
    """Draws one line for each optimizer with its band over seeds, over epochs or another axis."""
    drawn = [label for label in context.styles if any(row["optimizer"] == label for row in table)]
    lines = [_line_of(table, label, curve, across) for label in drawn]
    letters, lower = max(len(line.text) for line in lines), curve.loss
    seen = looks({line.label: _merit(line, lower=lower) for line in lines}, context.styles)
    late = across is EPOCHS
    figure, (axes,) = canvas.sheet(context.caption, room=0 if late else letters)
    values = [row[curve.column] for row in table if math.isfinite(row[curve.column])]
    if curve.loss:
        scales.loss_scale(axes, values)
    else:
        scales.accuracy_scale(axes, values, context.step)
    across.scale(axes, max(row[across.column] for row in table))
    axes.set_ylabel(curve.axis)
    if late:
        show_late(figure, axes, lines, seen, canvas.room_for_ends(letters), lower=lower)
    few = len(drawn) <= FEW
    ends = [_draw(axes, line, seen[line.label], place, few=few) for place, line in enumerate(lines)]
    label_ends(axes, ends)
    return figure


def distinct(table: Table) -> list[Across]:
    """Returns the axes that show something else than epochs do: their numbers per epoch differ between optimizers.

    Entries with full gradients take one step an epoch and the others many; gradients are as many, unless a rule takes
    several at one point.
    """
    return [across for across in (STEPS, GRADIENTS) if _differ(table, across.column)]


def _differ(table: Table, column: str) -> bool:
    ends = [max(own, key=lambda row: float(row["epoch"])) for own in group(table).values()]
    rates = [row[column] / row["epoch"] for row in ends if row["epoch"]]
    return bool(rates) and max(rates) > 1.02 * min(rates)  # a last batch that is not full is no other currency


def _line_of(table: Table, label: str, curve: Curve, across: Across) -> Line:
    """Returns the line of an optimizer: its seeds, and mean and band as far as all of them go."""
    seeds: dict[int, list[tuple[float, float]]] = {}
    for row in sorted((r for r in table if r["optimizer"] == label), key=lambda r: (r["seed"], r["epoch"])):
        seeds.setdefault(row["seed"], []).append((row[across.column], row[curve.column]))
    whole = list(seeds.values())
    alive = [_finite(points) for points in whole]
    longest, shortest = max(map(len, alive)), min(map(len, alive))
    stopped = [len(own) < max(len(all_), longest) for own, all_ in zip(alive, whole, strict=True)]
    x = [place for place, _ in alive[0][:shortest]]  # seeds of one optimizer are evaluated at the same places
    values = np.array([[value for _, value in points[:shortest]] for points in alive])
    mean = values.mean(axis=0).tolist()
    name = f"{table[0]['study']} {curve.slug} {label}"
    low, high = band(values, name) if len(values) > 1 else (mean, mean)
    text = f"{label}  diverged" if any(stopped) else f"{label}  {ended(mean[-1])}"
    return Line(label, text, x, mean, low, high, alive, stopped)


def band(seeds: Any, name: str) -> tuple[list[float], list[float]]:
    """Returns the 95 % interval of the mean at each place: the expanded bootstrap, the same seeds drawn everywhere."""
    draws = bootstrap(np.transpose(seeds), generator(name, "band"))
    low, high = zip(*(expanded(row, len(seeds)) for row in draws), strict=True)
    return list(low), list(high)


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return list(points[: next((i for i, (_, v) in enumerate(points) if not math.isfinite(v)), len(points))])


def _merit(line: Line, *, lower: bool) -> float:
    """Returns how good the end of a line is, greater is better; one of which a seed diverged is the worst."""
    return -math.inf if any(line.stopped) else (-1 if lower else 1) * line.mean[-1]


def _draw(axes: Axes, line: Line, style: Mapping[str, Any], place: int, *, few: bool) -> Any:
    """Draws the seeds, the mean and the band of an optimizer; returns where the line ends.

    Where there are not `few` optimizers, the lines of their seeds would hide the means, and are left out. A seed that
    stopped early diverged: its last value is marked with a cross.
    """
    with of(line.label, axes):
        for points, stopped in zip(line.seeds, line.stopped, strict=True):
            if stopped:
                axes.plot(*points[-1], "x", color=style["color"], markersize=9, mew=2, zorder=4)
            if few and len(line.seeds) > 1:
                axes.plot(*zip(*points, strict=True), color=style["color"], linewidth=0.4, alpha=0.55, zorder=2)
        if len(line.seeds) > 1:
            shade = 0.16 if few else 0.07
            axes.fill_between(line.x, line.low, line.high, color=style["color"], alpha=shade, linewidth=0)
        marks = every(axes, line.x, MARKERS, place)
        axes.plot(line.x, line.mean, **{"linewidth": 1.8, "markersize": 5, "markevery": marks, "zorder": 3, **style})
    return line.x[-1], line.mean[-1], line.text, style


def every(axes: Axes, x: Sequence[float], count: int, place: int) -> list[int]:
    """Returns which of a line's points have a marker: as many, evenly spaced on the axis, whatever the points are."""
    drawn = axes.transData.transform(np.column_stack([x, np.full(len(x), np.mean(axes.get_ylim()))]))[:, 0]
    left, right = axes.transAxes.transform([(0, 0), (1, 0)])[:, 0]
    wanted = left + (right - left) * (np.arange(count) + 0.2 + 0.6 * (place % 4) / 3) / count
    wanted = wanted[(wanted >= drawn[0]) & (wanted <= drawn[-1])]
    return sorted({int(np.abs(drawn - where).argmin()) for where in wanted})


def show_late(
    figure: Figure, axes: Axes, lines: Sequence[Line], looks: Mapping[str, Any], room: float, *, lower: bool
) -> None:
    """Makes room for the labels of the lines, and to their right a zoom on the end of those that end close together.

    Where no other ends close to the best, there is nothing to enlarge, and the axes take the room.
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
        with of(line.label, panel):
            seen += _tail(panel, line, looks[line.label], last)
    _frame(panel, seen)


def close(axes: Axes, lines: Sequence[Line], *, lower: bool) -> list[Line]:
    """Returns the best line and those that end near it, each near the one before; none where it ends alone."""
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


def _tail(panel: Axes, line: Line, style: Mapping[str, Any], last: float) -> list[float]:
    """Draws the end of a line in the panel, and returns the heights that its scale must have."""
    tail = [i for i, x in enumerate(line.x) if x >= (1 - SHARE) * last * (1 - 1e-9)]
    first = max(tail[0] - 1, 0)  # so that the line comes from outside
    part = slice(first, None)
    marks = [tail[place * len(tail) // 4] - first for place in (1, 3)]
    panel.plot(line.x[part], line.mean[part], **{"linewidth": 1.8, "markersize": 5, "markevery": marks, **style})
    if style["color"] == FAINT:  # its band would flatten the others
        return []
    panel.fill_between(line.x[part], line.low[part], line.high[part], color=style["color"], alpha=0.13, linewidth=0)
    return [value for i in tail for value in (line.low[i], line.high[i])]


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
    panel.set_xlabel("zoom: last 20 % of epochs,\nruns close to the best (linear axes)", fontsize=8.5)
