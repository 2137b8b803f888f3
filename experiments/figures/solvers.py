"""Solvers on a curve fit, and L-BFGS after Adam on a physics-informed network."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from experiments.figures import canvas, scales
from experiments.figures.canvas import Context
from experiments.figures.looks import ended, label_ends, look, of
from experiments.text import Table, group


def draw_fit(table: Table, context: Context, x: np.ndarray, y: np.ndarray) -> Figure:
    """Draws the data with the curve of each method's last point, and how far each is above the certified fit."""
    methods = group(table)
    room = max(map(len, methods)) + len("  2000")
    figure, (data, falls) = canvas.sheet(context.caption, room=room, grid=(1, 2), gap=(0.32, 0.3), share=False)
    data.plot(x, y, "o", color=canvas.INK, markersize=5, zorder=5)
    fine, ends = np.linspace(0, x.max(), 200), []
    for label, own in methods.items():
        style = look(context.styles[label])
        with of(label, data), of(label, falls):
            data.plot(fine, own[-1]["a"] * (1 - np.exp(-own[-1]["b"] * fine)), **{**style, "marker": ""})
            falls.plot([row["step"] for row in own], [row["gap"] for row in own], **style, markersize=3.5)
        ends.append((own[-1]["step"], own[-1]["gap"], f"{label}  {own[-1]['step']:g}", style))
    data.set(xlabel="x", ylabel="y")
    falls.set(xscale="log", yscale="log", xlabel="evaluations (log)")
    falls.set_ylabel("relative excess of the sum of squares (log)", fontsize=8.5)
    scales.ticks(falls.yaxis, LogLocator(numticks=7))
    scales.ticks(falls.xaxis, LogLocator())
    label_ends(falls, ends)
    return figure


def draw_network(table: Table, context: Context, first: int) -> Figure:
    """Draws the residual over gradients: a line a seed, faint, and the median; the second method begins at `first`."""
    room = max(map(len, group(table))) + len("  0.00000")
    figure, (axes,) = canvas.sheet(context.caption, room=room)
    axes.set(yscale="log", xlabel="gradients")
    axes.set_ylabel("residual of the equation, root mean square (log)")
    ends = []
    for label, own in group(table).items():
        style, seeds = look(context.styles[label]), list(group(own, "seed").values())
        at = np.array([row["gradients"] for row in seeds[0]])
        between = functools.partial(np.interp, at)
        curves = [between([r["gradients"] for r in rows], [np.log(r["residual"]) for r in rows]) for rows in seeds]
        median = np.exp(np.median(curves, 0))
        with of(label, axes):
            for curve in curves:
                axes.plot(at, np.exp(curve), color=style["color"], linewidth=0.6, alpha=0.4)
            axes.plot(at, median, **style, markevery=max(1, len(at) // 10), markersize=4, linewidth=1.8)
        ends.append((at[-1], median[-1], f"{label}  {ended(float(median[-1]))}", style))
    axes.axvline(first, color=canvas.QUIET, linewidth=0.8, linestyle=(0, (4, 2)))
    label_ends(axes, ends)
    return figure
