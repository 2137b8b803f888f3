"""The figures of a comparison: one function each, table -> files. Nothing here trains."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments import canvas, tasks
from experiments.canvas import Caption
from experiments.config import Entry, Study, Style
from experiments.curves import CURVES as CURVES
from experiments.curves import DICE_STEP, Curve
from experiments.curves import curves_of as curves_of
from experiments.datasets import CARDS
from experiments.records import Record
from experiments.selection import Choice, Trial
from experiments.tables import from_csv, to_csv
from experiments.tasks.base import Task

Table = Sequence[Mapping[str, Any]]
FEW = 6  # lines whose bands can be told apart


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
        shade = 0.16 if len(drawn) <= FEW else 0.07
        axes.set_xlim(0, last)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epochs (passes over the training set)")
        axes.set_ylabel(curve.axis)
        ends = [
            _line(axes, _by_seed(table, label, curve.column), label, look(styles[label]), place, shade)
            for place, label in enumerate(drawn)
        ]
        canvas.label_ends(axes, ends)
        return canvas.save(figure, folder, curve.slug, caption, to_csv(table))


def _by_seed(table: Table, label: str, column: str) -> dict[int, list[float]]:
    """Returns the values of one optimizer over the passes, for each seed."""
    found: dict[int, list[float]] = {}
    for row in sorted((r for r in table if r["optimizer"] == label), key=lambda r: (r["seed"], r["epoch"])):
        found.setdefault(row["seed"], []).append(row[column])
    return found


def look(style: Style) -> dict[str, Any]:
    """Returns how an optimizer's line is drawn, for matplotlib."""
    return {"color": style.color, "linestyle": canvas.DASHES[style.line], "marker": style.marker}


def _line(
    axes: Axes, by_seed: Mapping[int, list[float]], label: str, style: Mapping[str, Any], place: int, shade: float
) -> tuple[float, float, str, Mapping[str, Any]]:
    """Draws the mean and band of an optimizer as far as all seeds go; returns where the line ends.

    A seed that stopped early diverged: its last value is marked with a cross.
    """
    finite = [_finite(values) for values in by_seed.values()]
    longest, shortest = max(map(len, finite)), min(map(len, finite))
    stopped = [v for v, raw in zip(finite, by_seed.values(), strict=True) if len(v) < len(raw)]
    stopped += [values for values in finite if len(values) < longest and values not in stopped]
    for values in stopped:
        axes.plot(len(values) - 1, values[-1], "x", color=style["color"], markersize=9, mew=2)
    passes = range(shortest)
    seeds = np.array([values[:shortest] for values in finite])
    mean = seeds.mean(axis=0)
    axes.fill_between(passes, seeds.min(axis=0), seeds.max(axis=0), color=style["color"], alpha=shade, linewidth=0)
    axes.plot(passes, mean, linewidth=1.8, markersize=5, markevery=(1 + place % 4, 4), zorder=3, **style)
    text = f"{label}  diverged" if stopped else f"{label}  {mean[-1]:.3f}"
    return shortest - 1, float(mean[-1]), text, style


def _finite(values: Sequence[float]) -> Sequence[float]:
    return values[: next((i for i, v in enumerate(values) if not math.isfinite(v)), len(values))]


def draw_rates(
    study: Study,
    trials: Sequence[Trial],
    choices: Mapping[str, Choice],
    caption: Caption,
    folder: Path,
) -> list[Path]:
    """Draws what the learning rates were chosen from: the validation score against the rate tried.

    Args:
        study: whose optimizers get a panel each.
        trials: their tuning runs.
        choices: what was chosen.
        caption: the words.
        folder: where the files go.
    """
    entries = study.optimizers
    columns = math.ceil(len(entries) / 2) if len(entries) <= FEW else 4
    task = tasks.get(study.task)
    with mpl.rc_context(canvas.STYLE):
        figure, axes = canvas.sheet(caption, room=0, grid=(math.ceil(len(entries) / columns), columns))
        good = [trial.score for trial in trials if math.isfinite(trial.score)]
        axes[0].set_xscale("log")
        step = DICE_STEP if task.classes else 1 / CARDS[study.data].sizes["validation"]
        canvas.accuracy_scale(axes[0], good, step)
        for panel, entry in zip(axes, entries, strict=False):
            own = [trial for trial in trials if trial.label == entry.label]
            _panel(panel, own, choices[entry.label].learning_rate, entry)
        for panel in axes[len(entries) :]:
            panel.set_visible(False)
        figure.supxlabel("learning rate (logarithmic axis)", y=0.1, fontsize=9.5)
        figure.supylabel(
            f"validation {task.score_title} after the last pass\n(axis logarithmic in {_share(task)})",
            x=0.012,
            y=0.5,
            fontsize=9.5,
        )
        names = {"score": task.score}  # a column is called by what it holds
        table = [
            {"data": study.data, "model": study.task}
            | {names.get(key, key): value for key, value in dataclasses.asdict(trial).items()}
            for trial in trials
        ]
        return canvas.save(figure, folder, "learning_rates", caption, to_csv(table))


def _share(task: Task) -> str:
    return "1 - Dice" if task.classes else "the share of errors"


def _panel(axes: Axes, trials: Sequence[Trial], chosen: float, entry: Entry) -> None:
    style = look(entry.style)
    rates = sorted({trial.learning_rate for trial in trials})
    by_rate = {rate: [t.score for t in trials if t.learning_rate == rate] for rate in rates}
    medians = {rate: float(np.median(values)) for rate, values in by_rate.items()}
    alive = [rate for rate in rates if math.isfinite(medians[rate])]
    axes.axvline(entry.default_learning_rate, color=canvas.QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.plot(alive, [medians[rate] for rate in alive], color=style["color"], linewidth=1.4)
    for rate, values in by_rate.items():
        finite = [value for value in values if math.isfinite(value)]
        axes.plot([rate] * len(finite), finite, ".", color=style["color"], markersize=4)
        if len(finite) < len(values):
            axes.plot(rate, axes.get_ylim()[0], "x", color=style["color"], mew=2, clip_on=False)
    axes.plot(chosen, medians[chosen], "o", color=style["color"], markersize=9, mfc="none", mew=1.6)
    axes.set_title(f"{entry.label}: {chosen:g}", fontsize=10, loc="left")
