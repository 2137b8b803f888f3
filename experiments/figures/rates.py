"""What the learning rates were chosen from: the validation score against the rate tried."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from experiments import canvas, scales, tasks
from experiments.canvas import Caption
from experiments.config import Entry, Study
from experiments.curves import DICE_STEP
from experiments.datasets import CARDS
from experiments.figures.base import FEW, look
from experiments.selection import Choice, Trial
from experiments.tables import to_csv
from experiments.tasks.base import Task


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
        good = [task.merit(trial.score) for trial in trials if math.isfinite(trial.score)]
        axes[0].set_xscale("log")
        step = DICE_STEP if task.classes else 1 / CARDS[study.data].sizes["validation"]
        (scales.loss_scale if task.lower_is_better else scales.accuracy_scale)(axes[0], good, step)
        for panel, entry in zip(axes, entries, strict=False):
            own = [(t.learning_rate, task.merit(t.score)) for t in trials if t.label == entry.label]
            _panel(panel, own, choices[entry.label].learning_rate, entry, lost=int(task.lower_is_better))
        for panel in axes[len(entries) :]:
            panel.set_visible(False)
        figure.supxlabel("learning rate (logarithmic axis)", y=0.1, fontsize=9.5)
        figure.supylabel(
            f"validation {task.score_title} after the last pass\n({_scale(task)})",
            x=0.012,
            y=0.5,
            fontsize=9.5,
        )
        table = [_row(study, task, trial) for trial in trials]
        return canvas.save(figure, folder, "learning_rates", caption, to_csv(table))


def _row(study: Study, task: Task, trial: Trial) -> dict[str, Any]:
    """Returns the numbers of a trial; its score is called by what it is, and a loss told as a loss."""
    told = {**dataclasses.asdict(trial), "score": task.merit(trial.score)}
    named = {task.score if key == "score" else key: value for key, value in told.items()}
    return {"data": study.data, "model": study.task, **named}


def _scale(task: Task) -> str:
    if task.lower_is_better:
        return "logarithmic axis"
    return f"axis logarithmic in {'1 - Dice' if task.classes else 'the share of errors'}"


def _panel(axes: Axes, trials: Sequence[tuple[float, float]], chosen: float, entry: Entry, lost: int) -> None:
    """Draws the rates tried and their scores; crosses of diverged runs stand at the lower (0) or upper (1) end."""
    style = look(entry.style)
    rates = sorted({rate for rate, _ in trials})
    by_rate = {rate: [score for tried, score in trials if tried == rate] for rate in rates}
    medians = {rate: float(np.median(values)) for rate, values in by_rate.items()}
    alive = [rate for rate in rates if math.isfinite(medians[rate])]
    axes.axvline(entry.default_learning_rate, color=canvas.QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.plot(alive, [medians[rate] for rate in alive], color=style["color"], linewidth=1.4)
    for rate, values in by_rate.items():
        finite = [value for value in values if math.isfinite(value)]
        axes.plot([rate] * len(finite), finite, ".", color=style["color"], markersize=4)
        if len(finite) < len(values):
            axes.plot(rate, axes.get_ylim()[lost], "x", color=style["color"], mew=2, clip_on=False)
    if chosen in alive:
        axes.plot(chosen, medians[chosen], "o", color=style["color"], markersize=9, mfc="none", mew=1.6)
    axes.set_title(canvas.plain(f"{entry.label}: {chosen:.3g}"), fontsize=10, loc="left")
