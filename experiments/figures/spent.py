"""What was spent on each optimizer: the search, its widened part, the evaluation, and attempts without a result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.analysis.evidence import Evidence, origin
from experiments.figures import canvas
from experiments.figures.base import FEW, Table, group, name_rows, room_for
from experiments.figures.canvas import Caption
from experiments.records.costs import Cost
from experiments.studies import Style
from experiments.studies.runs import EVALUATION, TUNING
from experiments.text import from_csv, to_csv

PARTS: Mapping[str, Any] = {  # shade and hatch, so that parts differ without colours
    "tuning": {"alpha": 0.85},
    "tuning, widened": {"alpha": 0.5, "hatch": "////"},
    "evaluation": {"alpha": 0.3},
    "without a result": {"alpha": 0.0, "hatch": "xxxx"},
}
HOW = (
    "Everything that is recorded of each optimizer: the search, what widening its ranges added, the evaluation, and "
    "attempts whose result does not count: interrupted, failed, or made again after a change of code. {unit}"
)
HOURS = "Core hours: wall-clock times the threads that a run may use, compiling and evaluating among them."
GRADIENTS = (
    "In gradients of single examples, since the evidence of the search has no times: they are told where all runs are "
    "recorded on one machine."
)


def table_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and part of what was spent; none where nothing is known of costs."""
    if not evidence.costs:
        return []
    return [
        {**origin(evidence), "optimizer": label, "part": part, "gradients": gradients, "core_hours": seconds / 3600}
        for label in evidence.labels
        for part, (gradients, seconds) in _parts(
            evidence.costs.get((TUNING, label), Cost()), evidence.costs.get((EVALUATION, label), Cost())
        ).items()
    ]


def _parts(tuning: Cost, evaluation: Cost) -> dict[str, tuple[int, float]]:
    def rest(cost: Cost) -> tuple[int, float]:
        gradients = cost.gradients - cost.widened_gradients - cost.failed_gradients
        return gradients, cost.seconds - cost.widened_seconds - cost.failed_seconds

    lost = tuning + evaluation
    values = (
        rest(tuning),
        (tuning.widened_gradients, tuning.widened_seconds),
        rest(evaluation),
        (lost.failed_gradients, lost.failed_seconds),
    )
    return dict(zip(PARTS, values, strict=True))


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    return from_csv(text, {"gradients": int, "core_hours": float})


def how(table: Table) -> str:
    """Returns how to read the figure."""
    return HOW.format(unit=HOURS if _timed(table) else GRADIENTS)


def _timed(table: Table) -> bool:
    return all(math.isfinite(row["core_hours"]) for row in table)


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws a bar for each optimizer, its parts one after the other.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    lines, timed = group(table), _timed(table)
    key, unit = ("core_hours", 1.0) if timed else ("gradients", 1e6)
    whole = {label: sum(row[key] for row in own) / unit for label, own in lines.items()}
    words = "core hours" if timed else "millions of gradients of single examples"
    if timed and max(whole.values()) < 1:
        unit, words = 1 / 60, "core minutes"
        whole = {label: hours * 60 for label, hours in whole.items()}
    height = canvas.HEIGHT + 0.2 * max(0, len(lines) - FEW)
    with mpl.rc_context({**canvas.STYLE, "hatch.linewidth": 0.7}):
        left = room_for(list(lines))
        figure, (axes,) = canvas.sheet(caption, room=len("0.00"), left=left, height=height)
        figure.subplots_adjust(top=axes.get_position().y1 - 0.2 / height)  # room for the names of the parts
        axes.set_axisbelow(True)
        axes.set_xlim(0, 1.02 * max([*whole.values(), 1e-9]))
        for place, (label, own) in enumerate(lines.items()):
            with canvas.of(label, axes):
                start, color = 0.0, styles[label].color
                for row in own:
                    size, look = row[key] / unit, PARTS[row["part"]]
                    face = to_rgba(color, look["alpha"])
                    axes.barh(
                        place, size, left=start, height=0.6, facecolor=face, edgecolor=color, hatch=look.get("hatch")
                    )
                    start += size
                axes.annotate(f"{whole[label]:.3g}", (1.015, place), xycoords=("axes fraction", "data"), va="center",
                              fontsize=8.5, annotation_clip=False)  # fmt: skip
        name_rows(axes, list(lines))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.set_xlabel(words)
        _names(axes, table)
        return canvas.save(figure, folder, "spent", caption, to_csv(table))


def _names(axes: Any, table: Table) -> None:
    """Names the parts that there are, above the bars."""
    there = [part for part in PARTS if any(row["part"] == part and row["gradients"] for row in table)]
    looks = [PARTS[part] for part in there]
    keys = [
        Patch(facecolor=to_rgba(canvas.QUIET, look["alpha"]), edgecolor=canvas.QUIET, hatch=look.get("hatch"))
        for look in looks
    ]
    place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.1, "borderpad": 0}
    axes.legend(keys, there, ncols=len(there), fontsize=8.5, frameon=False, **place)
