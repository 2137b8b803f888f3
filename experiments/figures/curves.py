"""Learning curves: one line for each optimizer, and the bands over seeds of the best and of all that tie with it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.analysis.curves import SHARE, Curve
from experiments.analysis.statistics.resampling import bootstrap, expanded, generator
from experiments.figures import column, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import FAINT, ended, label_ends, looks, of
from experiments.figures.scales import EPOCHS, GRADIENTS, STEPS, Across
from experiments.text import Table, group

MARKERS = 4  # on a line, however many points it has
BODY, A_LABEL = 150.0, 13.0  # points: height of the axes at least, and of a label at the end of a line
LEFT, WIDER = 38.0, 46.0  # points for the numbers and the name of the vertical axis, and for longer ones
SHADE = 0.16


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
    """Draws one line for each optimizer, over epochs or another axis; the best and its ties have bands."""
    drawn = [label for label in context.styles if any(row["optimizer"] == label for row in table)]
    lines = [_line_of(table, label, curve, across) for label in drawn]
    merits = {line.label: _merit(line, lower=curve.lower) for line in lines}
    seen = looks(merits, context.styles, context.kept)
    right = column.for_ends([line.text for line in lines])
    figure, axes = column.sheet(context.caption, max(BODY, A_LABEL * len(lines)), LEFT if curve.error else WIDER, right)
    floor = _scale(axes, [row[curve.column] for row in table], curve, context.step)
    across.scale(axes, max(row[across.column] for row in table))
    axes.set_ylabel(curve.axis)
    ends = [_draw(axes, line, seen[line.label], place, context.best, floor) for place, line in enumerate(lines)]
    if curve.error:
        scales.refresh(axes.yaxis)
    label_ends(axes, ends, column.LETTERS, column.LEAD)
    return figure


def _scale(axes: Axes, values: Sequence[float], curve: Curve, step: float) -> float:
    """Scales the vertical axis, and returns the lowest value that it can show."""
    alive = [value for value in values if math.isfinite(value)]
    if curve.error:
        scales.error_scale(axes.yaxis, alive, 50 * step, always=True)
        return 50 * step  # half of the smallest error, in %
    if curve.loss:
        scales.loss_scale(axes, alive)
    elif curve.kind == SHARE:
        scales.accuracy_scale(axes, alive, step)
    else:
        scales.plain_scale(axes.yaxis, alive)
    return -math.inf


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
    if not shortest:
        return Line(label, f"{label}  diverged", [], [], [], [], alive, stopped)
    x = [place for place, _ in alive[0][:shortest]]  # seeds of one optimizer are evaluated at the same places
    values = np.array([[value for _, value in points[:shortest]] for points in alive])
    mean = values.mean(axis=0).tolist()
    name = f"{table[0]['study']} {curve.slug} {label}"
    low, high = band(values, name) if len(values) > 1 else (mean, mean)
    text = f"{label}  diverged" if any(stopped) else f"{label}  {_number(mean[-1], curve)}"
    return Line(label, text, x, mean, low, high, alive, stopped)


def _number(value: float, curve: Curve) -> str:
    """Returns the number at the end of a line: of errors, in %, two digits or more."""
    if not curve.error:
        return ended(value)
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


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


def _draw(
    axes: Axes, line: Line, style: Mapping[str, Any], place: int, banded: Sequence[str], floor: float
) -> tuple[float, float, str, Mapping[str, Any]]:
    """Draws the mean of an optimizer, and its band where it is one of the best; returns where the line ends.

    A seed that stopped early diverged: its last value is marked with a cross. One without any value ends the line
    before its first point; the label stands at the bottom.
    """
    mean, low, high = ([max(value, floor) for value in part] for part in (line.mean, line.low, line.high))
    with of(line.label, axes):
        for points, stopped in zip(line.seeds, line.stopped, strict=True):
            if stopped and points:
                axes.plot(*points[-1], "x", color=style["color"], markersize=6, mew=1.6, zorder=4)
        if not line.x:
            return axes.get_xlim()[0], axes.get_ylim()[0], line.text, style
        if len(line.seeds) > 1 and line.label in banded and style["color"] != FAINT:
            axes.fill_between(line.x, low, high, color=style["color"], alpha=SHADE, linewidth=0)
        marks = every(axes, line.x, MARKERS, place)
        axes.plot(line.x, mean, **{"linewidth": 1.4, "markersize": 4, "markevery": marks, "zorder": 3, **style})
    return line.x[-1], mean[-1], line.text, style


def every(axes: Axes, x: Sequence[float], count: int, place: int) -> list[int]:
    """Returns which of a line's points have a marker: as many, evenly spaced on the axis, whatever the points are."""
    drawn = axes.transData.transform(np.column_stack([x, np.full(len(x), np.mean(axes.get_ylim()))]))[:, 0]
    left, right = axes.transAxes.transform([(0, 0), (1, 0)])[:, 0]
    wanted = left + (right - left) * (np.arange(count) + 0.2 + 0.6 * (place % 4) / 3) / count
    wanted = wanted[(wanted >= drawn[0]) & (wanted <= drawn[-1])]
    return sorted({int(np.abs(drawn - where).argmin()) for where in wanted})
