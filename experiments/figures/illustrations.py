"""Figures that are no evidence: how rules move on functions of two numbers (rule B20), and the range test of rates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from experiments.figures import canvas, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import label_ends, look, of
from experiments.problems.functions import FUNCTIONS, Function
from experiments.text import Table, group

LINE, DOTS, MARK = "#0072B2", "#9BBFD6", "#D55E00"
EVERY = 20  # steps between markers
GRID = 120  # points of the contours, each way


def draw_paths(table: Table, context: Context) -> Figure:
    """Draws the paths on contours, and below how far each still is from the minimum."""
    functions = group(table, "function")
    labels = list(group(table))
    room = max(map(len, labels)) + len("  0.00000")
    grid = (len(functions), 2)
    figure, panels = canvas.sheet(
        context.caption, room=room, grid=grid, gap=(0.3, 0.22), share=False, height=1.4 + 3.4 * len(functions)
    )
    for place, (name, rows) in enumerate(functions.items()):
        maps, falls = panels[2 * place : 2 * place + 2]
        _contours(maps, FUNCTIONS[name], rows)
        paths = group(rows).items()
        ends = [_path(maps, falls, own, FUNCTIONS[name], look(context.styles[label])) for label, own in paths]
        falls.set_yscale("log")
        falls.set_xlim(0, max(row["step"] for row in rows))
        falls.set_xlabel(rows[0].get("unit", "steps"))
        scales.ticks(falls.yaxis, LogLocator(numticks=6))
        falls.set_ylabel("f - minimum (log)", fontsize=9)
        label_ends(falls, ends)
    return figure


def _contours(axes: Axes, function: Function, rows: Table) -> None:
    """Draws the function in its published box, at levels equally far apart on a logarithmic scale."""
    low, high = np.array(function.box).T
    x, y = np.meshgrid(*(np.linspace(low[i], high[i], GRID) for i in range(2)))
    height = function.value(np.stack([x, y], axis=-1)) - function.minimum
    levels = np.logspace(math.log10(max(height.min(), height.max() * 1e-6)), math.log10(height.max()), 16)
    axes.contour(x, y, height, levels=levels, colors="#BBBBBB", linewidths=0.6)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", title=rows[0]["function"])
    axes.title.set_fontsize(10)
    for u, v in function.minimizers:
        axes.plot(u, v, "*", color=canvas.INK, markersize=11, zorder=5)
    axes.plot(*function.start, "o", color="white", mec=canvas.INK, markersize=7, zorder=5)
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _path(maps: Axes, falls: Axes, own: Table, function: Function, style: Mapping[str, Any]) -> Any:
    """Draws one optimizer on both panels; returns where its line ends."""
    marks: Any = {"markevery": EVERY, "markersize": 4, "linewidth": 1.4}
    with of(own[0]["optimizer"], maps), of(own[0]["optimizer"], falls):
        maps.plot([row["x"] for row in own], [row["y"] for row in own], **style, **marks)
        left = [max(row["f"] - function.minimum, 1e-16) if math.isfinite(row["f"]) else math.nan for row in own]
        falls.plot([row["step"] for row in own], left, **style, **marks)
    end = left[-1] if math.isfinite(left[-1]) else 1.0
    number = own[-1].get("learning_rate", own[-1]["step"])
    return own[-1]["step"], end, f"{own[0]['optimizer']}  {number:g}", style


@dataclasses.dataclass(frozen=True)
class Range:
    """The axis of a range test and what is marked on it."""

    low: float  # first rate
    high: float  # last rate
    linear: bool  # whether the rates grow by equal differences instead of equal ratios
    marks: Mapping[str, float]  # rates that are suggested, by their names
    settled: int  # how many steps the moving average takes to settle


def draw_range(table: Table, context: Context, test: Range) -> Figure:
    """Draws the losses of a learning-rate range test, and marks the rates that are read off."""
    figure, (axes,) = canvas.sheet(context.caption, room=0)
    axes.set_xscale("linear" if test.linear else "log")
    axes.set_xlabel(f"learning rate ({'linear' if test.linear else 'logarithmic'} axis)")
    axes.set_ylabel("loss of a mini-batch, before the step of that rate")
    rates, averages = [row["learning_rate"] for row in table], [row["smoothed_loss"] for row in table]
    axes.plot(rates, [row["loss"] for row in table], ".", color=DOTS, markersize=4)
    axes.plot(rates, averages, color=LINE, linewidth=1.8)
    axes.set_xlim(test.low, test.high)
    _limit(axes, averages, test.settled)
    for place, (name, rate) in enumerate(test.marks.items()):
        _mark(axes, rate, f"{name} {rate:.2g}", 0.97 - 0.06 * place)
    return figure


def _limit(axes: Axes, averages: Sequence[float], settled: int) -> None:
    """Shows the fall and the beginning of the rise; single losses beyond are cut off."""
    finite = [value for value in averages if math.isfinite(value)]
    start = finite[min(len(finite), settled) - 1]
    low, high = min(0.0, *finite), 1.5 * max(start, finite[0])
    axes.set_ylim(low, high if high > low else low + 1)


def _mark(axes: Axes, rate: float, text: str, height: float) -> None:
    """Draws a rate as a line, with its label on the side where there is room."""
    axes.axvline(rate, color=MARK, linewidth=1.2, linestyle=(0, (4, 2)))
    place = (axes.transData + axes.transAxes.inverted()).transform((rate, 1.0))[0]
    side, gap = ("left", 0.008) if place < 0.8 else ("right", -0.008)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(place + gap, height, text, transform=axes.transAxes, ha=side, va="top", color=MARK, bbox=paper)
