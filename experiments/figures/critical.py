"""The critical-difference diagram: mean ranks over many problems, and which of them Nemenyi's test tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from experiments.analysis.lint import Claims
from experiments.analysis.statistics import critical_difference
from experiments.analysis.statistics.aggregates import LEAST_PROBLEMS
from experiments.figures import canvas
from experiments.figures.base import Table, dot
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import from_csv, to_csv

HOW = (
    "Mean rank over problems, by the median score of each, 1 the best; bar: optimizers whose mean ranks differ by less "
    "than the critical difference of Nemenyi's test at 5 %, which does not tell them apart (Demšar, 2006). Means over "
    "problems hide where an optimizer wins: see the scores of each problem."
)


def refused(problems: int, optimizers: int) -> str:
    """Returns the sentence that refuses the diagram, empty where it can be drawn (rule B18)."""
    if problems < LEAST_PROBLEMS:
        are = "there is 1" if problems == 1 else f"there are {problems}"
        return (
            f"Critical-difference diagram: refused, since a test of mean ranks needs {LEAST_PROBLEMS} problems, "
            f"and {are}."
        )
    return "" if optimizers > 1 else "Critical-difference diagram: refused, since there is one optimizer to rank."


def unclaimed(claims: Claims) -> str:
    """Returns the sentence that refuses the diagram where nothing may be claimed, empty where it may."""
    return "" if claims.allowed else f"Critical-difference diagram: refused; {claims.words}."


def table_of(ranks: Mapping[str, float], identity: str, problems: int) -> list[dict[str, Any]]:
    """Returns a row for each optimizer, the best mean rank first.

    Args:
        ranks: mean rank of each optimizer.
        identity: of the studies.
        problems: number of them, at least 8.
    """
    gap = critical_difference(len(ranks), problems)
    fixed = {"study": identity, "problems": problems, "critical_difference": gap}
    return [{**fixed, "optimizer": label, "mean_rank": ranks[label]} for label in sorted(ranks, key=ranks.__getitem__)]


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    return from_csv(text, {"problems": int, "mean_rank": float, "critical_difference": float})


def cliques(ranks: Sequence[float], gap: float) -> list[tuple[int, int]]:
    """Returns the first and last place of each longest run of optimizers that differ by less than a gap.

    >>> cliques([1.0, 1.4, 2.0, 3.5], 1.0)
    [(0, 1), (1, 2)]

    Args:
        ranks: mean ranks, ascending.
        gap: the critical difference.
    """
    ends = [max(j for j, rank in enumerate(ranks) if rank - first < gap) for first in ranks]
    return [(i, end) for i, end in enumerate(ends) if end > i and (i == 0 or ends[i - 1] < end)]


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws the mean ranks on one line, the names on either side, and a bar under those not told apart.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    ranks, gap = [row["mean_rank"] for row in table], table[0]["critical_difference"]
    groups = cliques(ranks, gap)
    half = (len(table) + 1) // 2
    height = 3.3 + 0.3 * half + 0.12 * len(groups)
    with mpl.rc_context(canvas.STYLE):
        figure, (axes,) = canvas.sheet(caption, room=0, left=0.2, height=height, foot=14)
        box = axes.get_position()
        axes.set_position((0.2, box.y0, 0.6, box.height - 0.15))
        axes.set_xlim(1, len(table))
        depth = 0.9 + 0.32 * len(groups) + half
        axes.set_ylim(depth, 0)
        axes.set_xticks(range(1, len(table) + 1))
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("mean rank over problems, 1 the best", fontsize=9)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.spines["top"].set_visible(True)
        for place, row in enumerate(table):
            left = place < half
            level = 1.2 + 0.32 * len(groups) + (place if left else len(table) - 1 - place)
            with canvas.of(row["optimizer"], axes):
                _name(axes, row, styles[row["optimizer"]], level - 0.3, left=left)
        for level, (first, last) in enumerate(groups):
            y = 0.45 + 0.32 * level
            axes.plot([ranks[first] - 0.03, ranks[last] + 0.03], [y, y], color=canvas.INK, linewidth=4,
                      solid_capstyle="butt", clip_on=False, zorder=4)  # fmt: skip
        _ruler(axes, gap)
        return canvas.save(figure, folder, "critical_differences", caption, to_csv(table))


def _name(axes: Axes, row: Mapping[str, Any], style: Style, level: float, *, left: bool) -> None:
    """Draws the way from a rank to its name, beside the axis."""
    rank, side = row["mean_rank"], axes.get_xlim()[0 if left else 1]
    axes.plot([rank, rank, side], [0, level, level], color=style.color, linewidth=1.2, clip_on=False)
    axes.plot(rank, 0, **dot(style), markersize=7, clip_on=False, zorder=5)
    text = f"{row['optimizer']}  {rank:.2f}"
    axes.annotate(canvas.plain(text), (side, level), xytext=(-6 if left else 6, 0), textcoords="offset points",
                  ha="right" if left else "left", va="center", fontsize=9.5, annotation_clip=False)  # fmt: skip


def _ruler(axes: Axes, gap: float) -> None:
    """Draws how long the critical difference is, above the axis."""
    above: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False, "color": canvas.INK}
    end = min(1 + gap, axes.get_xlim()[1])
    height = 1 + 42 / 72 / (axes.get_position().height * axes.figure.get_size_inches()[1])  # type: ignore[union-attr]
    axes.plot([1, end], [height] * 2, linewidth=1.5, **above)
    axes.plot([1, end], [height] * 2, "|", markersize=8, mew=1.5, **above)
    words = f"critical difference {gap:.2f}{' (more than the axis)' if 1 + gap > end else ''}"
    axes.annotate(words, (end, height), xycoords=("data", "axes fraction"), xytext=(8, 0), textcoords="offset points",
                  va="center", fontsize=8.5, annotation_clip=False)  # fmt: skip
