"""Heat maps of scores and ranks, chances to be better, and the critical-difference diagram."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.analysis.columns import number
from experiments.figures import canvas, scales
from experiments.figures.canvas import Context, plain
from experiments.figures.looks import dot, name_rows, of, room_for
from experiments.studies import Style
from experiments.text import Table, group

READABLE = 8  # columns whose numbers can be read
BETTER, WORSE = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0)  # Okabe and Ito's blue and vermillion


def draw_map(table: Table, context: Context) -> Figure:
    """Draws the heat map of scores, optimizers by seeds."""
    lines = group(table)
    seeds = list(dict.fromkeys(row["seed"] for row in table))
    scores = np.array([[row["score"] for row in own] for own in lines.values()])
    alive = np.where(np.isfinite(scores), scores, np.nan)
    height = canvas.HEIGHT + 0.15 * max(0, len(lines) - 10)  # two lines of numbers need room in each row
    figure, (axes,) = canvas.sheet(context.caption, room=0, left=room_for(list(lines)), height=height)
    name_rows(axes, list(lines))
    axes.set_xlim(-0.5, len(seeds) + 0.5)
    axes.grid(visible=False)
    word = "seed " if len(seeds) <= READABLE else ""
    axes.set_xticks(range(len(seeds) + 1), labels=[*(f"{word}{seed}" for seed in seeds), "interquartile\nmean"])
    sign = 1 if table[0]["higher_is_better"] else -1
    middle = np.nanmedian(alive, axis=0) if np.isfinite(alive).any(axis=0).all() else np.zeros(len(seeds))
    away = sign * (alive - middle)
    most = float(np.nanmax(np.abs(away), initial=1e-12))
    for i, own in enumerate(lines.values()):
        with of(own[0]["optimizer"], axes):
            for j, row in enumerate(own):
                texts = (number(row["score"]), f"rank {row['rank']:g}") if len(seeds) <= READABLE else ("", "")
                cell(axes, (j, i), float(away[i, j]) / most, *texts)
            first = own[0]
            half = (first["iqm_high"] - first["iqm_low"]) / 2
            cell(axes, (len(seeds), i), 0.0, number(first["iqm"]), f"± {number(half)}" if math.isfinite(half) else "")
    return figure


def draw_overview(table: Table, context: Context) -> Figure:
    """Draws the heat map, optimizers by problems."""
    lines = group(table)
    problems = list(dict.fromkeys(row["problem"] for row in table))
    places = np.array([[row["normalised"] for row in own] for own in lines.values()])
    away = places - np.median(places, axis=0)
    most = float(np.abs(away).max()) or 1.0
    figure, (axes,) = canvas.sheet(context.caption, room=0, left=room_for(list(lines)))
    name_rows(axes, list(lines))
    axes.set_xlim(-0.5, len(problems) + 0.5)
    axes.grid(visible=False)
    names = [plain(name.replace(" on ", "\non ")) for name in problems]
    differ = len({number(row["iqm"]) for row in table}) > 1  # places that differ
    last = "mean rank,\ninterquartile mean of places" if differ else "mean rank"
    axes.set_xticks(range(len(problems) + 1), labels=[*names, last], fontsize=8)
    for i, own in enumerate(lines.values()):
        with of(own[0]["optimizer"], axes):
            for j, row in enumerate(own):
                half = (row["high"] - row["low"]) / 2
                small = f"± {number(half)}" if math.isfinite(half) else f"{row['diverged']} diverged"
                shade = math.nan if row["diverged"] else float(away[i, j]) / most
                cell(axes, (j, i), shade, number(row["score"]) + (" *" if row["tied"] else ""), small)
            first = own[0]
            half = (first["iqm_high"] - first["iqm_low"]) / 2
            place = f"{number(first['iqm'])}{f' ± {number(half)}' if math.isfinite(half) else ''}"
            cell(axes, (len(problems), i), 0.0, f"{first['mean_rank']:.2g}", place if differ else "")
    return figure


def cell(axes: Axes, place: tuple[int, int], shade: float, text: str, small: str) -> None:
    """Draws one cell: its colour from -1, worst, to 1, best; NaN is a run that diverged."""
    x, y = place
    lost = math.isnan(shade)
    strength = 0.0 if lost else 0.72 * math.sqrt(abs(shade))
    color = [1 - strength * (1 - part) for part in (BETTER if shade > 0 else WORSE)]
    box = Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor=color, edgecolor="#BBBBBB", linewidth=0.5)
    if lost:
        box.set(hatch="////", facecolor="white")
    axes.add_patch(box)
    axes.text(x, y - 0.02, text, ha="center", va="bottom", fontsize=8.5)
    axes.text(x, y + 0.08, small, ha="center", va="top", fontsize=7, color=canvas.INK)


def draw_chances(table: Table, context: Context) -> Figure:
    """Draws interquartile means, and the matrix of chances to be better."""
    lines = group(table)
    labels = list(lines)
    figure, (bars, matrix) = canvas.sheet(
        context.caption, room=0, grid=(1, 2), gap=(0.05, 0.3), share=False, left=room_for(labels), widths=(1, 1.25)
    )
    seen = [row[key] for row in table for key in ("iqm", "low", "high")]
    axis = scales.score_scale(bars.xaxis, seen, table[0]["higher_is_better"])
    for place, (label, own) in enumerate(lines.items()):
        with of(label, bars), of(label, matrix):
            low, high, color = own[0]["low"], own[0]["high"], context.styles[label].color
            if math.isfinite(low):
                bars.plot([low, high], [place] * 2, color=color, linewidth=6, alpha=0.45, solid_capstyle="butt")
            bars.plot(own[0]["iqm"], place, context.styles[label].marker, color=color, markersize=7)
            for column, row in enumerate(own):
                _chance(matrix, (column, place), row["p_better"], label == row["other"])
    name_rows(bars, labels)
    name_rows(matrix, [""] * len(labels))
    matrix.set_xlim(-0.5, len(labels) - 0.5)
    matrix.xaxis.tick_top()
    names = list(map(plain, labels))
    matrix.set_xticks(range(len(labels)), labels=names, rotation=25, ha="left", fontsize=8.5)
    matrix.tick_params(length=0)
    matrix.grid(visible=False)
    matrix.set_xlabel("P(row better than column)", fontsize=8.5)
    bars.set_xlabel(f"interquartile mean of the test {context.score}\n({axis})", fontsize=8.5)
    return figure


def _chance(axes: Axes, place: tuple[int, int], chance: float, same: bool) -> None:
    shade = 2 * chance - 1
    color = [1 - 0.72 * abs(shade) * (1 - part) for part in (BETTER if shade > 0 else WORSE)]
    x, y = place
    axes.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, facecolor="#F2F2F2" if same else color, linewidth=0))
    if not same:
        axes.text(x, y, f"{chance:.2f}", ha="center", va="center", fontsize=8.5)
    if chance >= 0.75:
        frame = Rectangle((x - 0.45, y - 0.44), 0.9, 0.88, facecolor="none", edgecolor=canvas.INK, linewidth=1.1)
        axes.add_patch(frame)


def draw_critical(table: Table, context: Context) -> Figure:
    """Draws the mean ranks on one line, the names on either side, and a bar over those that cannot be distinguished."""
    ranks, gap = [row["mean_rank"] for row in table], table[0]["critical_difference"]
    groups = cliques(ranks, gap)
    half = (len(table) + 1) // 2
    height = 3.3 + 0.3 * half + 0.12 * len(groups)
    figure, (axes,) = canvas.sheet(context.caption, room=0, left=0.2, height=height, foot=14)
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
        with of(row["optimizer"], axes):
            _name(axes, row, context.styles[row["optimizer"]], level - 0.3, left=left)
    for level, (first, last) in enumerate(groups):
        y = 0.45 + 0.32 * level
        axes.plot([ranks[first] - 0.03, ranks[last] + 0.03], [y, y], color=canvas.INK, linewidth=4,
                  solid_capstyle="butt", clip_on=False, zorder=4)  # fmt: skip
    _ruler(axes, gap)
    return figure


def cliques(ranks: Sequence[float], gap: float) -> list[tuple[int, int]]:
    """Returns the first and last place of each longest run of optimizers that differ by less than a gap.

    >>> cliques([1.0, 1.4, 2.0, 3.5], 1.0)
    [(0, 1), (1, 2)]
    """
    ends = [max(j for j, rank in enumerate(ranks) if rank - first < gap) for first in ranks]
    return [(i, end) for i, end in enumerate(ends) if end > i and (i == 0 or ends[i - 1] < end)]


def _name(axes: Axes, row: Mapping[str, Any], style: Style, level: float, *, left: bool) -> None:
    """Draws the line from a rank to its name at the side."""
    rank, side = row["mean_rank"], axes.get_xlim()[0 if left else 1]
    axes.plot([rank, rank, side], [0, level, level], color=style.color, linewidth=1.2, clip_on=False)
    axes.plot(rank, 0, **dot(style), markersize=7, clip_on=False, zorder=5)
    text = f"{row['optimizer']}  {rank:.2f}"
    axes.annotate(plain(text), (side, level), xytext=(-6 if left else 6, 0), textcoords="offset points",
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
