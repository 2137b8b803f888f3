"""Segmentation metrics: `measure` scores one case, `summarise` many.

    >>> import numpy as np
    >>> truth, prediction = np.zeros((2, 32, 32), int)
    >>> truth[4:12, 4:12] = prediction[4:12, 4:16] = 1
    >>> (score,) = measure(
    ...     truth, prediction, classes=("background", "square"), spacing_mm=(1, 1), tolerance_mm=1, case="first"
    ... )
    >>> score.dice, score.hausdorff_mm, round(score.average_hausdorff_mm, 6)
    (0.8, 4.0, 1.222222)

Distances run between boundary pixels (`surfaces`); `score` says what empty masks are worth.
"""

from experiments.problems.metrics.score import ALL_CLASSES, METRICS, Metric, Score, Summary, measure, summarise

__all__ = ["ALL_CLASSES", "METRICS", "Metric", "Score", "Summary", "measure", "summarise"]
