"""What a score costs: time of a pass, and memory that the optimizer keeps for itself, with the frontier of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiments import canvas, scales
from experiments.canvas import Caption
from experiments.config import Entry, Style
from experiments.figures.base import Table, dot, under
from experiments.report.evidence import Evidence
from experiments.report.table import Result
from experiments.report.text import origin
from experiments.statistics import spread
from experiments.tables import from_csv, to_csv

BYTES = 4  # of a number in float32
HOW = (
    "Point: mean test score after the last pass, bar: its 95 % interval. Line: the frontier, those that no other beats "
    "in both. Times: median seconds of training, of runs that trained alone. Memory: what the optimizer keeps between "
    "steps for each parameter."
)
REFUSED = (
    "Times are not drawn: the runs trained side by side and slowed each other down. With --jobs 1 they train alone."
)


def table_of(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each optimizer that has a mean; seconds are NaN where runs did not train alone.

    The first call imports TensorFlow: the optimizers themselves say what they keep.
    """
    kept = {entry.label: state_bytes(entry) for entry in evidence.study.optimizers}
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "score": row.centre.mean.value,
            "low": row.centre.mean.expanded.low,
            "high": row.centre.mean.expanded.high,
            "seconds": _seconds(evidence, row.label) if evidence.timed() else math.nan,
            "state_bytes_per_parameter": kept[row.label],
            "higher_is_better": evidence.higher,
        }
        for row in result.rows
        if row.centre is not None and math.isfinite(row.centre.mean.value)
    ]


def state_bytes(entry: Entry) -> int:
    """Returns what an optimizer keeps between steps for each parameter, bytes; numbers for the whole do not count."""
    import tfoptim
    from tfoptim.state import groups

    return BYTES * sum(map(len, groups(tfoptim.get(entry.optimizer, **entry.hyperparameters))))


def _seconds(evidence: Evidence, label: str) -> float:
    runs = sorted(float(record.evaluations[-1]["seconds"]) for record in evidence.of(label))
    middle = len(runs) // 2
    return runs[middle] if len(runs) % 2 else spread(runs[middle - 1 : middle + 1]).mean


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    numbers = dict.fromkeys(("score", "low", "high", "seconds"), float)
    return from_csv(
        text, {**numbers, "state_bytes_per_parameter": int, "higher_is_better": lambda word: word == "True"}
    )


def draw(table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path) -> list[Path]:
    """Draws the score against what it costs; times only where every run trained alone.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        score: what the score is called.
        caption: the words.
        folder: where the files go.
    """
    timed = all(math.isfinite(row["seconds"]) for row in table)
    columns = [("state_bytes_per_parameter", "bytes of state for each parameter")]
    if timed:
        columns.insert(0, ("seconds", "seconds of training (logarithmic axis)"))
    with mpl.rc_context(canvas.STYLE):
        figure, panels = canvas.sheet(caption, room=0, grid=(1, len(columns)), gap=(0.16, 0.3), share=False)
        for panel, (column, words) in zip(panels, columns, strict=True):
            _cost_axis(panel, table, column)
            ends = [row[key] for row in table for key in ("score", "low", "high")]
            words_of_scale = scales.score_scale(panel.yaxis, ends, table[0]["higher_is_better"])
            _frontier(panel, table, column)
            _points(panel, table, column, styles)
            panel.set_xlabel(words)
        panels[0].set_ylabel(f"test {score}, mean\n({words_of_scale})")
        if not timed:
            figure.text(0.5, under(caption) - 0.012, REFUSED, ha="center", fontsize=8.5, color=canvas.QUIET)
        return canvas.save(figure, folder, "costs", caption, to_csv(table))


def _cost_axis(axes: Axes, table: Table, column: str) -> None:
    costs = [row[column] for row in table]
    if column == "seconds":
        axes.set_xscale("log")
        axes.set_xlim(min(costs) / 1.15, max(costs) * 1.35)
        axes.xaxis.set_major_locator(LogLocator(subs=tuple(range(1, 10))))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.tick_params(axis="x", labelsize=8)
    else:
        axes.set_xlim(-1.5, max(costs) + 5)
        axes.set_xticks(range(0, max(costs) + 5, BYTES))


def frontier(table: Table, column: str) -> list[Mapping[str, Any]]:
    """Returns the optimizers that no other beats in cost and score at once, the cheapest first."""
    sign = 1 if table[0]["higher_is_better"] else -1
    kept: list[Mapping[str, Any]] = []
    for row in sorted(table, key=lambda row: (row[column], -sign * row["score"])):
        if not kept or sign * row["score"] > sign * kept[-1]["score"]:
            kept.append(row)
    return kept


def _frontier(axes: Axes, table: Table, column: str) -> None:
    best = frontier(table, column)
    x, y = ([*(row[key] for row in best)] for key in (column, "score"))
    axes.step([*x, axes.get_xlim()[1]], [*y, y[-1]], where="post", color=canvas.QUIET, linewidth=1, zorder=1)


def _points(axes: Axes, table: Table, column: str, styles: Mapping[str, Style]) -> None:
    """Draws the optimizers; those at one cost stand side by side, and names are moved apart."""
    height = axes.get_position().height * canvas.HEIGHT * 72
    to_axes = axes.transData + axes.transAxes.inverted()
    shares = [float(to_axes.transform((row[column], row["score"]))[1]) for row in table]
    places: Sequence[float] = canvas.apart(shares, 11 / height)
    where = ("data", "axes fraction")
    for row, place in zip(table, places, strict=True):
        color = styles[row["optimizer"]].color
        if math.isfinite(row["low"]):
            axes.plot([row[column]] * 2, [row["low"], row["high"]], color=color, linewidth=1.2, alpha=0.8)
        axes.plot(row[column], row["score"], **dot(styles[row["optimizer"]]), markersize=7, zorder=3)
        axes.annotate(canvas.plain(row["optimizer"]), (row[column], place), xycoords=where, xytext=(9, 0),
                      textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
