"""The figures of curves over passes, declared: which score, its words and its axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from experiments.figures import scales
from experiments.problems.tasks.base import Task

DICE_STEP = 0.01


@dataclasses.dataclass(frozen=True)
class Curve:
    """One figure of curves over passes.

    Attributes:
        slug: name of its files.
        column: which score.
        words: what the score is, for the title.
        axis: name of the vertical axis.
        scale: sets the vertical axis up, given the smallest step that the score can show.
        step: that step; None: an example more or less.
    """

    slug: str
    column: str
    words: str
    axis: str
    scale: Callable[[Axes, Sequence[float], float], None]
    step: float | None = None


CURVES = (
    Curve(
        "train_accuracy", "train_accuracy", "Training accuracy",
        "accuracy on the training examples\n(axis logarithmic in the share of errors)",
        scales.accuracy_scale,
    ),
    Curve(
        "test_accuracy", "test_accuracy", "Test accuracy",
        "accuracy on the test examples\n(axis logarithmic in the share of errors)",
        scales.accuracy_scale,
    ),
    Curve(
        "loss", "train_loss", "Training loss",
        "cross entropy on the training examples, nats\n(logarithmic axis)", scales.loss_scale,
    ),
)  # fmt: skip


def curves_of(task: Task) -> tuple[Curve, ...]:
    """Returns the figures for a problem: training score, test score and loss; for a segmentation validation, too."""
    if task.lower_is_better:
        return tuple(
            Curve(
                slug, f"{split}_loss", f"{words} loss",
                f"{task.loss_title}, mean over the {split} rows\n(logarithmic axis)", scales.loss_scale,
            )
            for slug, split, words in (("loss", "train", "Training"), ("test_loss", "test", "Test"))
        )  # fmt: skip
    if not task.classes:
        return CURVES
    axis = "mean Dice of classes, then of the {} slices\n(axis logarithmic in 1 - Dice)"
    words = {"train": "Training", "validation": "Validation", "test": "Test"}
    return (
        *(
            Curve(f"{s}_dice", f"{s}_dice", f"{w} Dice", axis.format(w.lower()), scales.accuracy_scale, DICE_STEP)
            for s, w in words.items()
        ),
        Curve(
            "loss", "train_loss", "Training loss",
            f"{task.loss_title},\nmean of the training slices (logarithmic axis)", scales.loss_scale,
        ),
    )  # fmt: skip
