"""Learning curves: one line for each optimizer with its band over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments import canvas
from experiments.canvas import Caption
from experiments.config import Style
from experiments.curves import Curve
from experiments.figures.base import FEW, Table, look
from experiments.records import Record
from experiments.statistics import bootstrap, expanded, generator
from experiments.tables import from_csv, to_csv


def table_of(found: Sequence[Record], curve: Curve) -> list[dict[str, Any]]:
    """Returns the numbers behind a figure of curves: one row for each run and pass."""
    return [
        {
            "study": record.run.study[:8],
            "data": record.run.data,
            "model": record.run.task,
            "optimizer": record.run.label,
            "learning_rate": record.run.learning_rate,
            "seed": record.run.seed,
            "status": record.status,
            "epoch": evaluation["epoch"],
            curve.column: evaluation[curve.column],
        }
        for record in found
        for evaluation in record.evaluations
    ]


def table_from(text: str, curve: Curve) -> list[dict[str, Any]]:
    """Returns the table of a figure from its CSV."""
    return from_csv(text, {"seed": int, "epoch": int, "learning_rate": float, curve.column: float})


def draw_curves(
    curve: Curve,
    table: Table,
    styles: Mapping[str, Style],
    caption: Caption,
    folder: Path,
    step: float = 1e-4,
) -> list[Path]:
    """Draws one line for each optimizer with its band over seeds, and writes PNG, SVG and CSV.

    Args:
        curve: which figure.
        table: its numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
        step: the smallest difference that the score can show.
    """
    with mpl.rc_context(canvas.STYLE):
        drawn = [label for label in styles if any(row["optimizer"] == label for row in table)]
        figure, (axes,) = canvas.sheet(caption, room=max(map(len, drawn)) + len("  0.000"))
        values = [row[curve.column] for row in table if math.isfinite(row[curve.column])]
        curve.scale(axes, values, step)
        last = max(row["epoch"] for row in table)
        few = len(drawn) <= FEW
        axes.set_xlim(0, last)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epochs (passes over the training set)")
        axes.set_ylabel(curve.axis)
        ends = []
        for place, label in enumerate(drawn):
            own = _by_seed(table, label, curve.column)
            name = f"{table[0]['study']} {curve.slug} {label}"
            ends.append(_line(axes, own, label, look(styles[label]), place, name, few=few))
        canvas.label_ends(axes, ends)
        return canvas.save(figure, folder, curve.slug, caption, to_csv(table))


def _by_seed(table: Table, label: str, column: str) -> dict[int, list[float]]:
    """Returns the values of one optimizer over the passes, for each seed."""
    found: dict[int, list[float]] = {}
    for row in sorted((r for r in table if r["optimizer"] == label), key=lambda r: (r["seed"], r["epoch"])):
        found.setdefault(row["seed"], []).append(row[column])
    return found


def _line(
    axes: Axes,
    by_seed: Mapping[int, list[float]],
    label: str,
    style: Mapping[str, Any],
    place: int,
    name: str,
    *,
    few: bool,
) -> tuple[float, float, str, Mapping[str, Any]]:
    """Draws the seeds, the mean and the band of an optimizer as far as all seeds go; returns where the line ends.

    Where there are not `few` optimizers, the lines of their seeds would hide the means, and are left out. A seed that
    stopped early diverged: its last value is marked with a cross.
    """
    finite = [_finite(values) for values in by_seed.values()]
    longest, shortest = max(map(len, finite)), min(map(len, finite))
    stopped = [v for v, raw in zip(finite, by_seed.values(), strict=True) if len(v) < len(raw)]
    stopped += [values for values in finite if len(values) < longest and values not in stopped]
    for values in stopped:
        axes.plot(len(values) - 1, values[-1], "x", color=style["color"], markersize=9, mew=2)
    seeds = np.array([values[:shortest] for values in finite])
    mean = seeds.mean(axis=0)
    if len(seeds) > 1:
        for values in finite if few else ():
            axes.plot(range(len(values)), values, color=style["color"], linewidth=0.4, alpha=0.55, zorder=2)
        low, high = band(seeds, name)
        axes.fill_between(range(shortest), low, high, color=style["color"], alpha=0.16 if few else 0.07, linewidth=0)
    axes.plot(range(shortest), mean, linewidth=1.8, markersize=5, markevery=(1 + place % 4, 4), zorder=3, **style)
    text = f"{label}  diverged" if stopped else f"{label}  {mean[-1]:.3f}"
    return shortest - 1, float(mean[-1]), text, style


def band(seeds: Any, name: str) -> tuple[list[float], list[float]]:
    """Returns the 95 % interval of the mean at each pass: the expanded bootstrap, the same seeds drawn at all passes.

    Args:
        seeds: (seeds, passes) of one optimizer, at least 2 seeds.
        name: what the draws derive from.
    """
    draws = bootstrap(np.transpose(seeds), generator(name, "band"))
    low, high = zip(*(expanded(row, len(seeds)) for row in draws), strict=True)
    return list(low), list(high)


def _finite(values: Sequence[float]) -> Sequence[float]:
    return values[: next((i for i, v in enumerate(values) if not math.isfinite(v)), len(values))]
