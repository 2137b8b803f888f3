"""How optimizers move on functions of two numbers: a picture of their rules, and no evidence for anything (rule B20).

All begin at the published start and take as many steps; each has the rate, out of four decades around its documented
default, that brings it lowest at the last step. Nothing is clipped, and no optimizer is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiments import optimizers
from experiments.figures import canvas
from experiments.figures.base import Table, group, look
from experiments.figures.canvas import Caption
from experiments.problems.functions.surfaces import FUNCTIONS, Function
from experiments.studies import Entry, Style
from experiments.text import from_csv, to_csv

SHOWN = ("rosenbrock", "branin")
STEPS = 200
DECADES, EACH, WIDENINGS = 4, 4, 2  # of rates around the default, rates in each, and how often one more is added
MARK = 20  # steps between markers
CYCLE = 50  # steps, of an optimizer whose rate cycles
GRID = 120  # points of the contours, each way
HOW = (
    f"Illustration, not evidence: two functions of two numbers say nothing about networks. {STEPS} steps of the rule "
    f"from the published start; marker: every {MARK} steps; star: a minimum. Each has the rate that ends lowest, of "
    f"{EACH} a decade in {DECADES} decades around its default, widened at edges; cycles have {CYCLE} steps. "
    "Right: how far f is above its minimum."
)


def table_of(entries: Sequence[Entry], names: Sequence[str] = SHOWN, steps: int = STEPS) -> list[dict[str, Any]]:
    """Returns a row for each function, optimizer and step.

    Args:
        entries: the optimizers.
        names: the functions, of two numbers each.
        steps: how many steps each takes.
    """
    return [
        {
            "function": name,
            "optimizer": entry.label,
            "learning_rate": rate,
            "step": step,
            "x": float(x),
            "y": float(y),
            "f": float(FUNCTIONS[name].value(np.array([x, y]))),
        }
        for name in names
        for entry in entries
        for rate, path in [_best(FUNCTIONS[name], entry, steps)]
        for step, (x, y) in enumerate(path)
    ]


def _best(function: Function, entry: Entry, steps: int) -> tuple[float, Any]:
    """Returns the rate that ends lowest, and its path, (steps + 1, 2); a range whose end is best is widened (B7)."""
    low, high = -DECADES / 2, DECADES / 2
    tried: dict[float, tuple[float, Any]] = {}
    for _ in range(WIDENINGS + 1):
        powers = np.arange(low, high + 0.5 / EACH, 1 / EACH)
        rates = [float(f"{entry.default_learning_rate * 10**power:.4g}") for power in powers]
        tried |= {rate: _descend(function, entry, rate, steps) for rate in rates if rate not in tried}
        best = min(rates, key=lambda rate: tried[rate][0])
        if best not in (rates[0], rates[-1]):
            break
        low, high = (low - 1, high) if best == rates[0] else (low, high + 1)
    return best, tried[best][1]


def _descend(function: Function, entry: Entry, rate: float, steps: int) -> tuple[float, Any]:
    """Returns where a rate ends, infinity if nowhere, and its path."""
    start = np.array(function.start, np.float64)
    cycle = {} if entry.cycle_epochs is None else {"cycle": CYCLE}
    rule = optimizers.rule(entry.optimizer, learning_rate=rate, **entry.hyperparameters, **cycle)
    with np.errstate(all="ignore"):  # a rate too high leaves the numbers behind, and is then not the best
        path = optimizers.simulate(rule, start, function.gradient, steps)
        end = float(function.value(path[-1]))
    return end if math.isfinite(end) else math.inf, np.vstack([start, path])


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    return from_csv(text, {"step": int, **dict.fromkeys(("learning_rate", "x", "y", "f"), float)})


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws the paths on contours, and below how far each still is from the minimum.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    functions = group(table, "function")
    with mpl.rc_context(canvas.STYLE):
        labels = list(group(table))
        room = max(map(len, labels)) + len("  0.00000")
        grid = (len(functions), 2)
        figure, panels = canvas.sheet(caption, room=room, grid=grid, gap=(0.3, 0.22), share=False, height=8.2)
        for place, (name, rows) in enumerate(functions.items()):
            maps, falls = panels[2 * place : 2 * place + 2]
            _contours(maps, FUNCTIONS[name], rows)
            ends = [_path(maps, falls, own, FUNCTIONS[name], look(styles[label])) for label, own in group(rows).items()]
            falls.set_yscale("log")
            falls.set_xlim(0, max(row["step"] for row in rows))
            falls.set_xlabel("steps")
            falls.yaxis.set_major_locator(LogLocator(numticks=6))
            falls.yaxis.set_minor_locator(NullLocator())
            falls.set_ylabel("f less its minimum (log)", fontsize=9)
            canvas.label_ends(falls, ends)
        return canvas.save(figure, folder, "trajectories", caption, to_csv(table))


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
    marks: Any = {"markevery": MARK, "markersize": 4, "linewidth": 1.4}
    with canvas.of(own[0]["optimizer"], maps), canvas.of(own[0]["optimizer"], falls):
        maps.plot([row["x"] for row in own], [row["y"] for row in own], **style, **marks)
        left = [max(row["f"] - function.minimum, 1e-16) if math.isfinite(row["f"]) else math.nan for row in own]
        falls.plot([row["step"] for row in own], left, **style, **marks)
    end = left[-1] if math.isfinite(left[-1]) else 1.0
    return own[-1]["step"], end, f"{own[0]['optimizer']}  {own[0]['learning_rate']:g}", style
