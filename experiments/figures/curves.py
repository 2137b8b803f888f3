"""Learning curves: one line for each optimizer with its band over seeds, and the last fifth of them beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from experiments.analysis.statistics import bootstrap, expanded, generator
from experiments.figures import canvas
from experiments.figures.across import EPOCHS, Across, every
from experiments.figures.base import FEW, Table, ended, looks
from experiments.figures.canvas import Caption
from experiments.figures.curve_kinds import Curve
from experiments.figures.late import Line, room_for_late, show_late
from experiments.records.run_folder import Record
from experiments.studies import Style
from experiments.text import from_csv, to_csv

MARKERS = 6  # on a line, however many points it has


def table_of(found: Sequence[Record], curve: Curve) -> list[dict[str, Any]]:
    """Returns the numbers behind a figure of curves: one row for each evaluation of each run."""
    kept = ("epoch", "step", "example_gradients", curve.column)
    return [
        {
            "study": record.run.study[:8],
            "data": record.run.data,
            "model": record.run.task,
            "optimizer": record.run.label,
            "learning_rate": record.run.learning_rate,
            "seed": record.run.seed,
            "status": record.status,
            **{name: evaluation[name] for name in kept},
        }
        for record in found
        for evaluation in record.evaluations
    ]


def table_from(text: str, curve: Curve) -> list[dict[str, Any]]:
    """Returns the table of a figure from its CSV."""
    whole = dict.fromkeys(("seed", "step", "example_gradients"), int)
    return from_csv(text, {**whole, "epoch": _epoch, "seconds": float, "learning_rate": float, curve.column: float})


def _epoch(word: str) -> float:
    """Returns a number of passes, an int where it was written as one, so that the same CSV comes out again."""
    return int(word) if word.isdigit() else float(word)


def draw_curves(
    curve: Curve,
    table: Table,
    styles: Mapping[str, Style],
    caption: Caption,
    folder: Path,
    step: float = 1e-4,
    across: Across = EPOCHS,
) -> list[Path]:
    """Draws one line for each optimizer with its band over seeds, and writes PNG, SVG and CSV.

    Args:
        curve: which figure.
        table: its numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
        step: the smallest difference that the score can show.
        across: what the lines are drawn over.
    """
    with mpl.rc_context(canvas.STYLE):
        drawn = [label for label in styles if any(row["optimizer"] == label for row in table)]
        lines = [_line_of(table, label, curve, across) for label in drawn]
        letters, lower = max(len(line.text) for line in lines), curve.column.endswith("_loss")
        seen = looks({line.label: _merit(line, lower=lower) for line in lines}, styles)
        late = across is EPOCHS
        figure, (axes,) = canvas.sheet(caption, room=0 if late else letters)
        values = [row[curve.column] for row in table if math.isfinite(row[curve.column])]
        curve.scale(axes, values, step)
        across.scale(axes, max(row[across.column] for row in table))
        axes.set_ylabel(curve.axis)
        if late:
            show_late(figure, axes, lines, seen, room_for_late(letters), lower=lower)
        few = len(drawn) <= FEW
        ends = [_draw(axes, line, seen[line.label], place, few=few) for place, line in enumerate(lines)]
        canvas.label_ends(axes, ends)
        return canvas.save(figure, folder, f"{curve.slug}{across.suffix}", caption, to_csv(table))


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


def _merit(line: Line, *, lower: bool) -> float:
    """Returns how good the end of a line is, greater is better; one of which a seed diverged is the worst."""
    return -math.inf if any(line.stopped) else (-1 if lower else 1) * line.mean[-1]


def _draw(axes: Axes, line: Line, style: Mapping[str, Any], place: int, *, few: bool) -> Any:
    """Draws the seeds, the mean and the band of an optimizer; returns where the line ends.

    Where there are not `few` optimizers, the lines of their seeds would hide the means, and are left out. A seed that
    stopped early diverged: its last value is marked with a cross.
    """
    with canvas.of(line.label, axes):
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


def band(seeds: Any, name: str) -> tuple[list[float], list[float]]:
    """Returns the 95 % interval of the mean at each place: the expanded bootstrap, the same seeds drawn everywhere.

    Args:
        seeds: (seeds, places) of one optimizer, at least 2 seeds.
        name: what the draws derive from.
    """
    draws = bootstrap(np.transpose(seeds), generator(name, "band"))
    low, high = zip(*(expanded(row, len(seeds)) for row in draws), strict=True)
    return list(low), list(high)


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return list(points[: next((i for i, (_, v) in enumerate(points) if not math.isfinite(v)), len(points))])
