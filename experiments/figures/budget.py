"""How good a result to expect of k trials: crossings are the honest "it depends on your budget"."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.analysis.evidence import Evidence
from experiments.analysis.statistics import best_of_band, generator
from experiments.figures import canvas, scales
from experiments.figures.base import FEW, Table, ended, group, looks
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import from_csv, to_csv

HOW = (
    "Line: the validation score to expect of the best of k trials, drawn without replacement from those of the last "
    "search; band: 90 % of 10,000 bootstraps of the trials. A line begins where a diverged trial is no longer likely "
    "to be all that was found."
)


def table_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and number of trials; none where nothing was tuned."""
    run, sign = evidence.found[0].run, 1 if evidence.higher else -1
    rows = []
    for label in evidence.labels:
        scores = _scores(evidence, label)
        if not scores:
            continue
        rng = generator(evidence.identity, f"best of {label}")
        for k, (value, band) in enumerate(best_of_band(scores, rng), start=1):
            low, high = sorted((sign * band.low, sign * band.high))
            ends = {"expected": sign * value, "low": low, "high": high, "higher_is_better": evidence.higher}
            rows.append(
                {"study": evidence.identity, "data": run.data, "model": run.task, "optimizer": label, "k": k, **ends}
            )
    return rows


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    numbers = dict.fromkeys(("expected", "low", "high"), float)
    return from_csv(text, {"k": int, **numbers, "higher_is_better": lambda word: word == "True"})


def draw(table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path) -> list[Path]:
    """Draws the expected best of k trials against k.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        score: what the score is called.
        caption: the words.
        folder: where the files go.
    """
    with mpl.rc_context(canvas.STYLE):
        lines = group(table)
        figure, (axes,) = canvas.sheet(caption, room=max(map(len, lines)) + len("  0.000"))
        axes.set_xlim(1, max(row["k"] for row in table))
        words = scales.score_scale(axes.yaxis, [row["expected"] for row in table], table[0]["higher_is_better"])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("number of trials, k")
        axes.set_ylabel(f"validation {score} expected of the best of k\n({words})")
        shade = 0.13 if len(lines) <= FEW else 0.05
        sign = 1 if table[0]["higher_is_better"] else -1
        seen = looks({label: sign * own[-1]["expected"] for label, own in lines.items()}, styles)
        ends = [_line(axes, own, seen[label], shade) for label, own in lines.items()]
        canvas.label_ends(axes, [end for end in ends if end is not None])
        return canvas.save(figure, folder, "best_of_k", caption, to_csv(table))


def _line(axes: Axes, own: Table, style: Mapping[str, Any], shade: float) -> Any:
    alive = [row for row in own if math.isfinite(row["expected"])]
    if not alive:
        return None
    k = [row["k"] for row in alive]
    floor, top = axes.get_ylim()
    low, high = ([min(max(row[end], floor), top) for row in alive] for end in ("low", "high"))
    with canvas.of(own[0]["optimizer"], axes):
        axes.fill_between(k, low, high, color=style["color"], alpha=shade, linewidth=0)
        told = {"linewidth": 1.8, "markersize": 5, "zorder": 3, **style}
        axes.plot(k, [row["expected"] for row in alive], **told)
    last = alive[-1]
    return last["k"], last["expected"], f"{last['optimizer']}  {ended(last['expected'])}", style


def _scores(evidence: Evidence, label: str) -> list[float]:
    """Returns the merit of each point of an optimizer's last search, greater is better: the median over its seeds."""
    own = [trial for trial in evidence.trials if trial.label == label]
    if not own:
        return []
    chosen = evidence.choices[label]
    last = [t for t in own if (t.round, t.widenings) == (chosen.round, chosen.widenings)]
    points = sorted({trial.index for trial in last})
    return [statistics.median(trial.score for trial in last if trial.index == index) for index in points]
