"""Rows of what optimizers do step by step: learning curves, with their declarations, and paths on test functions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments import optimizers
from experiments.analysis.evidence import origin
from experiments.problems import tasks
from experiments.problems.functions import FUNCTIONS, Function
from experiments.problems.tasks.base import Task
from experiments.records.run_folder import Record
from experiments.studies import Entry

DICE_STEP = 0.01
ERROR = "test_error"
OVER_STEPS = ("loss", "test_accuracy", "test_dice")  # figures that are drawn over steps as well, where that differs
SHOWN = ("rosenbrock", "branin")
STEPS = 200
DECADES, EACH, WIDENINGS = 4, 4, 2  # of rates around the default, rates in each, and how often one more is added
CYCLE = 50  # steps, of an optimizer whose rate cycles


@dataclasses.dataclass(frozen=True)
class Curve:
    """One figure of curves over epochs."""

    slug: str  # name of its files
    column: str  # which score
    words: str  # what the score is, for the title
    axis: str  # name of the vertical axis
    step: float | None = None  # the smallest step that the score can show; None: an example more or less

    @property
    def loss(self) -> bool:
        """Whether it is a loss, on a logarithmic axis."""
        return self.column.endswith("_loss")

    @property
    def error(self) -> bool:
        """Whether it is what a score lacks to 1, in %, on a logarithmic axis."""
        return self.column.endswith("_error")

    @property
    def lower(self) -> bool:
        """Whether less is better."""
        return self.loss or self.error


SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}


def error_of(task: Task) -> Curve | None:
    """Returns the figure of the test error, what the score lacks to 1, in %; none where the score is a loss."""
    if task.lower_is_better:
        return None
    name = "error" if task.score == "accuracy" else f"error (1 - {task.score_title}{_of(task)})"
    return Curve(ERROR, ERROR, "Test error", f"test {name}, % (log axis)", DICE_STEP if task.classes else None)


def curves_of(task: Task) -> tuple[Curve, ...]:
    """Returns the figures for a problem: training score, test score and loss; for a segmentation validation, too."""

    def curve(split: str, score: str, axis: str, slug: str = "", step: float | None = None) -> Curve:
        name = f"{split}_{score.lower()}"
        return Curve(slug or name, name, f"{SPLITS[split]} {score}", axis.format(SPLITS[split].lower()), step)

    if task.lower_is_better:
        axis = f"{task.loss_title}, {{}} (log axis)"
        return curve("train", "loss", axis, "loss"), curve("test", "loss", axis)
    loss = curve("train", "loss", f"{task.loss_title}, training (log axis)", "loss")
    score, step = (task.score_title, DICE_STEP) if task.classes else ("accuracy", None)
    splits = SPLITS if task.classes else ("train", "test")
    axis = f"{{}} {score}{_of(task)} (log in the error)"
    return *(curve(split, score, axis, step=step) for split in splits), loss


def _of(task: Task) -> str:
    """Returns what curves are over, where final scores are over something else: whole volumes."""
    return f" of {task.example}" if task.by_case else ""


def rows(found: Sequence[Record], curve: Curve) -> list[dict[str, Any]]:
    """Returns the numbers behind a figure of curves: one row for each evaluation of each run."""
    kept = ("epoch", "step", "example_gradients")
    return [
        {
            **origin(record.run),
            "optimizer": record.run.label,
            "learning_rate": record.run.learning_rate,
            "seed": record.run.seed,
            "status": record.status,
            **{name: evaluation[name] for name in kept},
            curve.column: _value(record, evaluation, curve),
        }
        for record in found
        for evaluation in record.evaluations
    ]


def _value(record: Record, evaluation: Mapping[str, Any], curve: Curve) -> float:
    if not curve.error:
        return float(evaluation[curve.column])
    return 100.0 * (1.0 - float(evaluation[f"test_{tasks.get(record.run.task).score}"]))


def path_rows(entries: Sequence[Entry], names: Sequence[str] = SHOWN, steps: int = STEPS) -> list[dict[str, Any]]:
    """Returns a row for each function, optimizer and step: how optimizers move on functions of two numbers.

    All begin at the published start; each has the rate, out of four decades around its documented default, that brings
    it lowest at the last step. Nothing is clipped. It is an illustration, and no evidence for anything (rule B20).
    """
    return [
        {
            "function": name,
            "optimizer": entry.label,
            "learning_rate": rate,
            "step": step,
            "x": float(x),
            "y": float(y),
            "f": float(FUNCTIONS[name].value(np.array([x, y]))),
        }
        for name in names
        for entry in entries
        for rate, path in [_best(FUNCTIONS[name], entry, steps)]
        for step, (x, y) in enumerate(path)
    ]


def _best(function: Function, entry: Entry, steps: int) -> tuple[float, Any]:
    """Returns the rate that ends lowest, and its path, (steps + 1, 2); a range whose end is best is widened (B7)."""
    low, high = -DECADES / 2, DECADES / 2
    tried: dict[float, tuple[float, Any]] = {}
    for _ in range(WIDENINGS + 1):
        powers = np.arange(low, high + 0.5 / EACH, 1 / EACH)
        rates = [float(f"{entry.default_learning_rate * 10**power:.4g}") for power in powers]
        tried |= {rate: _descend(function, entry, rate, steps) for rate in rates if rate not in tried}
        best = min(rates, key=lambda rate: tried[rate][0])
        if best not in (rates[0], rates[-1]):
            break
        low, high = (low - 1, high) if best == rates[0] else (low, high + 1)
    return best, tried[best][1]


def _descend(function: Function, entry: Entry, rate: float, steps: int) -> tuple[float, Any]:
    """Returns where a rate ends, infinity if nowhere, and its path."""
    start = np.array(function.start, np.float64)
    cycle = {} if entry.cycle_epochs is None else {"cycle": CYCLE}
    rule = optimizers.rule(entry.optimizer, learning_rate=rate, **entry.hyperparameters, **cycle)
    with np.errstate(all="ignore"):  # a rate too high leaves the numbers behind, and is then not the best
        path = optimizers.simulate(rule, start, function.gradient, steps)
        end = float(function.value(path[-1]))
    return end if math.isfinite(end) else math.inf, np.vstack([start, path])
