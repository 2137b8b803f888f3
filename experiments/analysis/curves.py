"""Rows of what optimizers do step by step: learning curves, with their declarations, and paths on test functions."""

from __future__ import annotations

import dataclasses
import functools
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
SHARE, ERROR, LOSS, SCORE = "share", "error", "loss", "score"  # kinds of curves
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
    kind: str = SHARE  # `share`, from 0 to 1; `error`, what that lacks to 1; `loss`; or `score`, any other
    falls: bool = False  # whether less of a score is better

    @property
    def loss(self) -> bool:
        """Whether it is a loss, on a logarithmic axis."""
        return self.kind == LOSS

    @property
    def error(self) -> bool:
        """Whether it is what a score lacks to 1, in %, on a logarithmic axis."""
        return self.kind == ERROR

    @property
    def lower(self) -> bool:
        """Whether less is better."""
        return self.loss or self.error or self.falls


SPLITS = {"train": "Training", "validation": "Validation", "test": "Test"}


def error_of(task: Task) -> Curve | None:
    """Returns the figure of the test error, what the score lacks to 1, in %; none where it is no share."""
    if not task.has_error:
        return None
    name = "error" if task.score == "accuracy" else f"error (1 - {task.score_title}{_of(task)})"
    return Curve(
        "test_error",
        "test_error",
        "Test error",
        f"test {name}, % (log axis)",
        DICE_STEP if task.classes else None,
        ERROR,
    )


def curves_of(task: Task) -> tuple[Curve, ...]:
    """Returns the figures for a problem: training score, test score and loss; for a segmentation validation, too."""
    losses = f"{task.loss_title}, {{}} (log axis)"
    loss = functools.partial(_curve, score="loss", words="loss", axis=losses, kind=LOSS)
    if task.score == "loss":
        return loss("train", slug="loss"), loss("test")
    step, splits = (DICE_STEP, tuple(SPLITS)) if task.classes else (None, ("train", "test"))
    look: dict[str, Any] = {"step": step, "kind": SHARE if task.has_error else SCORE, "falls": task.lower_is_better}
    axis = f"{{}} {task.score_title}{_of(task)}{' (log in the error)' if task.has_error else ''}"
    scores = (_curve(split, task.score, task.score_title, axis, **look) for split in splits)
    return *scores, loss("train", slug="loss")


def _curve(split: str, score: str, words: str, axis: str, slug: str = "", **look: Any) -> Curve:
    name = f"{split}_{score}"
    return Curve(slug or name, name, f"{SPLITS[split]} {words}", axis.format(SPLITS[split].lower()), **look)


def _of(task: Task) -> str:
    """Returns what curves are over, where final scores are over something else: whole volumes."""
    return f" of {task.example}" if task.by_case else ""


def rows(found: Sequence[Record], curve: Curve) -> list[dict[str, Any]]:
    """Returns the numbers of a figure of curves: one row for each evaluation of each run; none where none is finite."""
    kept = ("epoch", "step", "example_gradients")
    made = [
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
    return made if any(math.isfinite(row[curve.column]) for row in made) else []


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
