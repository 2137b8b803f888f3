"""The figures of learning curves, declared: which score, its words and its axis; and their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.analysis.evidence import Evidence
from experiments.problems.tasks.base import Task
from experiments.records.run_folder import Record

Table = Sequence[Mapping[str, Any]]
DICE_STEP = 0.01

@dataclasses.dataclass(frozen=True)
class Curve:
    """One figure of curves over epochs.

    Attributes:
        slug: name of its files.
        column: which score.
        words: what the score is, for the title.
        axis: name of the vertical axis.
        step: the smallest step that the score can show; None: an example more or less.
    """

    slug: str
    column: str
    words: str
    axis: str
    step: float | None = None

    @property
    def loss(self) -> bool:
        """Whether less is better, on a logarithmic axis."""
        return self.column.endswith("_loss")


CURVES = (
    Curve(
        "train_accuracy", "train_accuracy", "Training accuracy",
        "accuracy on the training examples\n(axis logarithmic in the share of errors)",
    ),
    Curve(
        "test_accuracy", "test_accuracy", "Test accuracy",
        "accuracy on the test examples\n(axis logarithmic in the share of errors)",
    ),
    Curve(
        "loss", "train_loss", "Training loss",
        "cross entropy on the training examples, nats\n(logarithmic axis)",
    ),
)  # fmt: skip


def curves_of(task: Task) -> tuple[Curve, ...]:
    """Returns the figures for a problem: training score, test score and loss; for a segmentation validation, too."""
    if task.lower_is_better:
        return tuple(
            Curve(
                slug, f"{split}_loss", f"{words} loss",
                f"{task.loss_title}, mean over the {split} rows\n(logarithmic axis)",
            )
            for slug, split, words in (("loss", "train", "Training"), ("test_loss", "test", "Test"))
        )  # fmt: skip
    if not task.classes:
        return CURVES
    axis = "mean Dice of classes, then of the {} slices\n(axis logarithmic in 1 - Dice)"
    words = {"train": "Training", "validation": "Validation", "test": "Test"}
    return (
        *(
            Curve(f"{s}_dice", f"{s}_dice", f"{w} Dice", axis.format(w.lower()), DICE_STEP)
            for s, w in words.items()
        ),
        Curve(
            "loss", "train_loss", "Training loss",
            f"{task.loss_title},\nmean of the training slices (logarithmic axis)",
        ),
    )  # fmt: skip


def rows(found: Sequence[Record], curve: Curve) -> list[dict[str, Any]]:
    """Returns the numbers behind a figure of curves: one row for each evaluation of each run."""
    kept = ("epoch", "step", "example_gradients", curve.column)
    return [
        {
            "study": record.run.study[:8],
            "data": record.run.data,
            "model": record.run.task,
            "optimizer": record.run.label,
            "learning_rate": record.run.learning_rate,
            "seed": record.run.seed,
            "status": record.status,
            **{name: evaluation[name] for name in kept},
        }
        for record in found
        for evaluation in record.evaluations
    ]

def with_seconds(table: Table, evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a table of curves with the seconds to each evaluation: steps times the median seconds of a step.

    So they are those of runs that had the machine to themselves, whatever ran beside those that are drawn. There are
    none where the timing pass may not be shown.
    """
    seconds = evidence.step_seconds
    if not seconds:
        return []
    return [{**row, "seconds": row["step"] * seconds[row["optimizer"]]} for row in table]
