"""Scores and ranks seed by seed as a heat map, and the chance that one optimizer does better than another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.lint import Claims
from experiments.analysis.results import Result, number
from experiments.analysis.statistics import generator, improvement, interquartile_means, ranks
from experiments.figures import canvas, scales
from experiments.figures.base import Table, group, name_rows, room_for
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import from_csv, to_csv

MAP_HOW = (
    "One problem, so that the columns are its seeds: test score, and in small the rank in that seed. Colour: score "
    "less that of the median optimizer in that seed, blue better, orange worse. Last column: interquartile mean, and "
    "half the width of its 95 % interval. Hatched: diverged."
)
CHANCE_HOW = (
    "Left: interquartile mean of the test score with its 95 % interval (expanded bootstrap over seeds); a diverged run "
    "counts as 0. Right: P(row better than column), all runs of one against all of the other, ties half; ring: 0.75 or "
    "more"
)
NEEDED = ", which a claim needs beside its interval and p."
READABLE = 8  # columns whose numbers can be read
BETTER, WORSE = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0)  # Okabe and Ito's blue and vermillion


def chance_how(claims: Claims) -> str:
    """Returns how to read the matrix; where nothing may be claimed, a ring is a number and no part of a claim."""
    return CHANCE_HOW + (NEEDED if claims.allowed else ".")


def map_table(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each run: score, rank in its seed, and its optimizer's interquartile mean; the best first."""
    finals = evidence.complete(evidence.final("test"))
    order = [row.label for row in result.rows if row.label in finals]
    if not order:
        return []
    sign = 1 if evidence.higher else -1
    placed = ranks({label: [sign * finals[label][seed] for seed in evidence.study.seeds] for label in order})
    means = _means(evidence, finals, "heat map")
    return [
        {
            **origin(evidence),
            "optimizer": label,
            "seed": seed,
            "score": finals[label][seed],
            "rank": float(placed[label][place]),
            "iqm": means[label].value,
            "iqm_low": means[label].expanded.low,
            "iqm_high": means[label].expanded.high,
            "higher_is_better": evidence.higher,
        }
        for label in order
        for place, seed in enumerate(evidence.study.seeds)
    ]


def map_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the heat map from its CSV."""
    numbers = dict.fromkeys(("score", "rank", "iqm", "iqm_low", "iqm_high"), float)
    return from_csv(text, {**numbers, "seed": int, "higher_is_better": lambda word: word == "True"})


def draw_map(table: Table, caption: Caption, folder: Path) -> list[Path]:
    """Draws the heat map of scores, optimizers by seeds.

    Args:
        table: the numbers, as `map_table` gives them.
        caption: the words.
        folder: where the files go.
    """
    lines = group(table)
    seeds = list(dict.fromkeys(row["seed"] for row in table))
    scores = np.array([[row["score"] for row in own] for own in lines.values()])
    alive = np.where(np.isfinite(scores), scores, np.nan)
    with mpl.rc_context(canvas.STYLE):
        figure, (axes,) = canvas.sheet(caption, room=0, left=room_for(list(lines)))
        name_rows(axes, list(lines))
        axes.set_xlim(-0.5, len(seeds) + 0.5)
        axes.grid(visible=False)
        word = "seed " if len(seeds) <= READABLE else ""
        axes.set_xticks(range(len(seeds) + 1), labels=[*(f"{word}{seed}" for seed in seeds), "interquartile mean"])
        sign = 1 if table[0]["higher_is_better"] else -1
        middle = np.nanmedian(alive, axis=0) if np.isfinite(alive).any(axis=0).all() else np.zeros(len(seeds))
        away = sign * (alive - middle)
        most = float(np.nanmax(np.abs(away), initial=1e-12))
        for i, own in enumerate(lines.values()):
            with canvas.of(own[0]["optimizer"], axes):
                for j, row in enumerate(own):
                    told = (number(row["score"]), f"rank {row['rank']:g}") if len(seeds) <= READABLE else ("", "")
                    cell(axes, (j, i), float(away[i, j]) / most, *told)
                first = own[0]
                half = (first["iqm_high"] - first["iqm_low"]) / 2
                cell(
                    axes, (len(seeds), i), 0.0, number(first["iqm"]), f"± {number(half)}" if math.isfinite(half) else ""
                )
        return canvas.save(figure, folder, "scores_by_seed", caption, to_csv(table))


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


def chance_table(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each ordered pair: P(row better), beside the row's interquartile mean; the best mean first."""
    finals = evidence.complete(evidence.final("test"))
    order = [row.label for row in result.rows if row.label in finals]
    if not order:
        return []
    means = _means(evidence, finals, "chances")
    sign = 1 if evidence.higher else -1
    runs = {label: [[sign * finals[label][seed] for seed in evidence.study.seeds]] for label in order}
    rows = []
    for label in order:
        for other in order:
            rng = generator(evidence.identity, f"chance {label} {other}")
            chance = 0.5 if label == other else improvement(runs[label], runs[other], rng).value
            told = {"iqm": means[label].value, "low": means[label].expanded.low, "high": means[label].expanded.high}
            pair = {"optimizer": label, "other": other, "p_better": chance, "higher_is_better": evidence.higher}
            rows.append({**origin(evidence), **pair, **told})
    return rows


def chance_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the matrix from its CSV."""
    numbers = dict.fromkeys(("p_better", "iqm", "low", "high"), float)
    return from_csv(text, {**numbers, "higher_is_better": lambda word: word == "True"})


def draw_chances(table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path) -> list[Path]:
    """Draws interquartile means beside the matrix of chances; arguments as for the other figures."""
    lines = group(table)
    labels = list(lines)
    with mpl.rc_context(canvas.STYLE):
        figure, (bars, matrix) = canvas.sheet(
            caption, room=0, grid=(1, 2), gap=(0.05, 0.3), share=False, left=room_for(labels), widths=(1, 1.25)
        )
        seen = [row[key] for row in table for key in ("iqm", "low", "high")]
        axis = scales.score_scale(bars.xaxis, seen, table[0]["higher_is_better"])
        for place, (label, own) in enumerate(lines.items()):
            with canvas.of(label, bars), canvas.of(label, matrix):
                low, high, color = own[0]["low"], own[0]["high"], styles[label].color
                if math.isfinite(low):
                    bars.plot([low, high], [place] * 2, color=color, linewidth=6, alpha=0.45, solid_capstyle="butt")
                bars.plot(own[0]["iqm"], place, styles[label].marker, color=color, markersize=7)
                for column, row in enumerate(own):
                    _chance(matrix, (column, place), row["p_better"], label == row["other"])
        name_rows(bars, labels)
        name_rows(matrix, [""] * len(labels))
        matrix.set_xlim(-0.5, len(labels) - 0.5)
        matrix.xaxis.tick_top()
        names = list(map(canvas.plain, labels))
        matrix.set_xticks(range(len(labels)), labels=names, rotation=25, ha="left", fontsize=8.5)
        matrix.tick_params(length=0)
        matrix.grid(visible=False)
        matrix.set_xlabel("P(row better than column)", fontsize=8.5)
        bars.set_xlabel(f"interquartile mean of the test {score}\n({axis})", fontsize=8.5)
        return canvas.save(figure, folder, "chances", caption, to_csv(table))


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


def _means(evidence: Evidence, finals: Mapping[str, Mapping[int, float]], name: str) -> Any:
    """Returns the interquartile mean of each optimizer; of a score, a diverged run counts as 0, the worst there is."""
    seeds: Sequence[int] = evidence.study.seeds
    worst = 0.0 if evidence.higher else _largest(finals)
    table = {k: [[v[s] if math.isfinite(v[s]) else worst for s in seeds]] for k, v in finals.items()}
    return interquartile_means(table, generator(evidence.identity, name))


def _largest(finals: Mapping[str, Mapping[int, float]]) -> float:
    """Returns the largest finite loss, in the place of infinity."""
    return max((v for own in finals.values() for v in own.values() if math.isfinite(v)), default=0.0)
