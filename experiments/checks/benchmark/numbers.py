"""What is made of measured times: medians, quartiles, ratios and their mean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

Repetitions = Sequence[Sequence[float]]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile, interpolated between neighbours.

    >>> quartiles([4.0, 1.0, 3.0, 2.0, 5.0])
    (2.0, 3.0, 4.0)
    """
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def ratio(times: Repetitions, reference: Repetitions) -> tuple[float, float, float]:
    """Returns how many times as long as the reference something takes, and how far repetitions agree.

    In each repetition the median time is divided by the reference's median time in the same repetition.

    Args:
        times: seconds of each call, for each repetition.
        reference: the same for the reference, as many repetitions.

    Returns:
        The median, lowest and highest of the repetitions' ratios.

    >>> ratio([[2.0, 9.0, 2.0], [3.0], [8.0]], [[1.0], [1.0], [2.0]])
    (3.0, 2.0, 4.0)
    """
    found = [statistics.median(a) / statistics.median(b) for a, b in zip(times, reference, strict=True)]
    return statistics.median(found), min(found), max(found)


def geometric_mean(values: Sequence[float]) -> float:
    """Returns the geometric mean of positive numbers.

    >>> geometric_mean([1.0, 4.0])
    2.0
    """
    return math.exp(math.fsum(map(math.log, values)) / len(values))
