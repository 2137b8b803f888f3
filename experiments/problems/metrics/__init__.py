"""Segmentation metrics: `measure` a case, `summarise` many, watch `MeanDice` while a model trains.

    >>> import numpy as np
    >>> truth, prediction = np.zeros((2, 32, 32), int)
    >>> truth[4:12, 4:12] = prediction[4:12, 4:16] = 1
    >>> (score,) = measure(
    ...     truth, prediction, classes=("background", "square"), spacing_mm=(1, 1), tolerance_mm=1, case="first"
    ... )
    >>> score.dice, score.hausdorff_mm, round(score.average_hausdorff_mm, 6)
    (0.8, 4.0, 1.222222)

Distances are between boundary pixels (`surfaces`), empty masks follow a named convention (`conventions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.problems.metrics.conventions import CONVENTIONS, Convention
from experiments.problems.metrics.score import METRICS, Metric, Score, measure
from experiments.problems.metrics.summary import ALL_CLASSES, Summary, summarise

if TYPE_CHECKING:
    from experiments.problems.metrics.streaming import MeanDice

__all__ = [
    "ALL_CLASSES",
    "CONVENTIONS",
    "METRICS",
    "Convention",
    "MeanDice",
    "Metric",
    "Score",
    "Summary",
    "measure",
    "summarise",
]


def __getattr__(name: str) -> Any:
    """Imports Keras, which takes seconds, for those who ask for the metric that needs it."""
    if name == "MeanDice":
        from experiments.problems.metrics.streaming import MeanDice

        return MeanDice
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
