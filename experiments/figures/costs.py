"""What a score costs: time of a step, and memory that the optimizer keeps for itself, with the frontier of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from experiments import optimizers
from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.results import Result
from experiments.analysis.timing_table import rows
from experiments.figures import canvas, scales
from experiments.figures.base import Table, dot
from experiments.figures.canvas import Caption
from experiments.studies import Entry, Style
from experiments.text import from_csv, to_csv

BYTES = 4  # of a number in float32
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}  # a name may stand on the frontier
WIDE = 8.0  # times, from which on an axis has no room for each digit
HOW = (
    "Point: mean test score after the last pass, bar: its 95 % interval. Line: the frontier, those whose mean no other "
    "reaches at the same or a lower cost."
)
TIMED = "Times: median of the timing pass. Memory: what was found in it of the optimizer's state, for each parameter."
DECLARED = "Memory: what the optimizer declares to keep between steps, for each parameter."


def how(evidence: Evidence) -> str:
    """Returns how to read the figure, and where there are no times why, and the command that takes them."""
    return f"{HOW} {f'{DECLARED} {evidence.untimed}' if evidence.untimed else TIMED}"


def table_of(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each optimizer that has a mean; seconds are NaN where no timing pass has them."""
    kept = _kept(evidence)
    seconds = evidence.step_seconds
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "score": row.centre.mean.value,
            "low": row.centre.mean.expanded.low,
            "high": row.centre.mean.expanded.high,
            "seconds_per_step": seconds.get(row.label, math.nan),
            "state_bytes_per_parameter": kept[row.label],
            "higher_is_better": evidence.higher,
        }
        for row in result.rows
        if row.centre is not None and math.isfinite(row.centre.mean.value)
    ]


def state_bytes(entry: Entry) -> int:
    """Returns what an optimizer keeps between steps for each parameter, bytes; numbers for the whole do not count."""
    return BYTES * len(optimizers.slots(optimizers.rule(entry.optimizer, **entry.hyperparameters)))


def _kept(evidence: Evidence) -> dict[str, float]:
    """Returns what each optimizer keeps for a parameter, bytes: measured in the timing pass, else as it declares."""
    if evidence.untimed:
        return {entry.label: state_bytes(entry) for entry in evidence.study.optimizers}
    return {row.label: row.state for row in rows(evidence.timings, evidence.study)}


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    numbers = dict.fromkeys(("score", "low", "high", "seconds_per_step"), float)
    return from_csv(text, {**numbers, "state_bytes_per_parameter": _number, "higher_is_better": lambda w: w == "True"})


def _number(word: str) -> float:
    """Returns a number of bytes, an int where it was written as one, so that the same CSV comes out again."""
    return int(word) if word.isdigit() else float(word)


def draw(table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path) -> list[Path]:
    """Draws the score against what it costs; times only where there is a timing pass.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        score: what the score is called.
        caption: the words.
        folder: where the files go.
    """
    columns = [("state_bytes_per_parameter", "bytes of state for each parameter\n(logarithmic axis from 4 on)")]
    if all(math.isfinite(row["seconds_per_step"]) for row in table):
        columns.insert(0, ("seconds_per_step", "seconds of a step\n(logarithmic axis)"))
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
        return canvas.save(figure, folder, "costs", caption, to_csv(table))


def _cost_axis(axes: Axes, table: Table, column: str) -> None:
    """Makes an axis of costs logarithmic; optimizers that keep nothing stand at 0, a doubling left of one number."""
    found = [row[column] for row in table]
    low, high = min(found), max(found)
    if column == "seconds_per_step":
        axes.set_xscale("log")
        axes.set_xlim(low / 1.2, high * 1.2 * (high / low) ** 0.25)
        wide = high > WIDE * low
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else tuple(range(1, 10))))
        axes.tick_params(axis="x", labelsize=8)
    else:
        axes.set_xscale("symlog", base=2, linthresh=BYTES, linscale=1)
        axes.set_xlim(-BYTES / 3, max(high, BYTES) * 2.2)
        axes.xaxis.set_major_locator(FixedLocator([0, *(BYTES * 2**k for k in range(8) if BYTES * 2**k <= 2 * high)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


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
        with canvas.of(row["optimizer"], axes):
            color = styles[row["optimizer"]].color
            if math.isfinite(row["low"]):
                axes.plot([row[column]] * 2, [row["low"], row["high"]], color=color, linewidth=1.2, alpha=0.8)
            axes.plot(row[column], row["score"], **dot(styles[row["optimizer"]]), markersize=7, zorder=3)
            axes.annotate(canvas.plain(row["optimizer"]), (row[column], place), xycoords=where, xytext=(9, 0), zorder=2,
                          textcoords="offset points", va="center", fontsize=8.5, bbox=BEHIND)  # fmt: skip
