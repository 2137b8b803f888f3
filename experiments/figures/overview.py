"""Several problems in one picture: what each optimizer reached on each of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from experiments.analysis.lint import Claims
from experiments.analysis.results import number
from experiments.figures import canvas
from experiments.figures.base import Table, group, name_rows, room_for
from experiments.figures.canvas import Caption
from experiments.figures.ranks import cell
from experiments.text import from_csv, to_csv

MAP = "Mean test score after the last pass, and half its 95 % interval (expanded bootstrap over seeds)"
STAR = "; star: not told apart from the best mean of that problem"
PLACES = (
    ". Colour: place on the scale from the value at step 0 to the best "
    "that any run reached, less that of the median optimizer, blue better, orange worse. Last column: interquartile "
    "mean of those places over problems and seeds, half its interval (stratified bootstrap), and the mean rank. "
    "Hatched: diverged."
)
CHANCES = (
    "Left: interquartile mean over problems and seeds of scores on the scale from the value at step 0, 0, to the "
    "best that any run reached, 1, with its 95 % interval (stratified bootstrap, expanded). Right: P(row better "
    "than column), all runs of one against all of the other on each problem, ties half, mean over problems; ring: "
    "0.75 or more."
)
UNIT = "A problem's time is the median over seeds of the passes to its own target."
PROFILES = (
    f"{UNIT} Left: share of problems that an optimizer brings to the target within a multiple of the fastest's passes; "
    "middle: the same without the best, since with it only the best one is named; right: within a number of passes."
)
PAIRS = (
    f"{UNIT} Performance profiles of two optimizers at a time, which no third can change. In brackets: share of "
    "problems on which it is the fastest."
)


def map_how(claims: Claims) -> str:
    """Returns how to read the heat map; a problem has stars only where claims may be made."""
    return MAP + (STAR if claims.allowed else "") + PLACES


def void(times: Table) -> str:
    """Returns the sentence that names the problems whose target is void, which give no times (rule B14), or nothing."""
    names = dict.fromkeys(row["problem"] for row in times if row["void"])
    return f" Left out, since the target is void: {', '.join(names)}." if names else ""


def map_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the heat map from its CSV."""
    numbers = dict.fromkeys(("score", "low", "high", "normalised", "iqm", "iqm_low", "iqm_high", "mean_rank"), float)
    return from_csv(text, {**numbers, "diverged": int, "tied": lambda word: word == "True"})


def draw_map(table: Table, caption: Caption, folder: Path) -> list[Path]:
    """Draws the heat map, optimizers by problems.

    Args:
        table: the numbers, as `report.overview.map_table` gives them.
        caption: the words.
        folder: where the files go.
    """
    lines = group(table)
    problems = list(dict.fromkeys(row["problem"] for row in table))
    places = np.array([[row["normalised"] for row in own] for own in lines.values()])
    away = places - np.median(places, axis=0)
    most = float(np.abs(away).max()) or 1.0
    with mpl.rc_context(canvas.STYLE):
        figure, (axes,) = canvas.sheet(caption, room=0, left=room_for(list(lines)))
        name_rows(axes, list(lines))
        axes.set_xlim(-0.5, len(problems) + 0.5)
        axes.grid(visible=False)
        names = [canvas.plain(name.replace(" on ", "\non ")) for name in problems]
        axes.set_xticks(range(len(problems) + 1), labels=[*names, "interquartile mean"], fontsize=8)
        for i, own in enumerate(lines.values()):
            with canvas.of(own[0]["optimizer"], axes):
                for j, row in enumerate(own):
                    half = (row["high"] - row["low"]) / 2
                    told = f"± {number(half)}" if math.isfinite(half) else f"{row['diverged']} diverged"
                    shade = math.nan if row["diverged"] else float(away[i, j]) / most
                    cell(axes, (j, i), shade, number(row["score"]) + (" *" if row["tied"] else ""), told)
                first = own[0]
                half = (first["iqm_high"] - first["iqm_low"]) / 2
                rank = f"mean rank {first['mean_rank']:.2g}"
                told = f"± {number(half)}, {rank}" if math.isfinite(half) else rank
                cell(axes, (len(problems), i), 0.0, number(first["iqm"]), told)
        return canvas.save(figure, folder, "overview", caption, to_csv(table))
