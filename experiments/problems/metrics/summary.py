"""Summary over cases: per class, and the mean over classes, then over cases."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from experiments.problems.metrics.score import METRICS, Score

ALL_CLASSES = "mean of classes"


@dataclasses.dataclass(frozen=True)
class Summary:
    """One metric of one class over the cases; `dataclasses.asdict` gives a row of a table."""

    class_name: str  # the class, or `ALL_CLASSES` for each case's mean over its classes
    metric: str  # the metric's name
    cases: int  # number of cases that the mean is taken over
    left_out: int  # undefined values, which the mean leaves out
    missed: int  # structures of the truth that were not found at all
    false_alarms: int  # structures found where the truth has none
    empty_truths: int  # structures that the truth does not have
    mean: float  # the mean, NaN only where every value is left out
    sd: float  # standard deviation over cases (n - 1), NaN for a single case
    median: float  # the middle value
    low: float  # the lowest value
    high: float  # the highest value


def summarise(scores: Sequence[Score]) -> list[Summary]:
    """Returns a summary of the scores of all cases for each class and metric, then for the mean of the classes."""
    by_class = _groups((s.class_name, s) for s in scores)
    by_case = _groups((s.case, s) for s in scores)
    rows = [
        _summary(name, metric, members, [[s] for s in members])
        for name, members in by_class.items()
        for metric in METRICS
    ]
    return rows + [_summary(ALL_CLASSES, metric, scores, by_case.values()) for metric in METRICS]


def _summary(name: str, metric: str, scores: Sequence[Score], cases: Iterable[Sequence[Score]]) -> Summary:
    means = list(_defined_means(metric, cases))
    return Summary(
        class_name=name,
        metric=metric,
        cases=len(means),
        left_out=sum(math.isnan(getattr(s, metric)) for s in scores),
        missed=sum(s.missed for s in scores),
        false_alarms=sum(s.false_alarm for s in scores),
        empty_truths=sum(s.tp + s.fn == 0 for s in scores),
        mean=statistics.fmean(means) if means else math.nan,
        sd=statistics.stdev(means) if len(means) > 1 else math.nan,
        median=statistics.median(means) if means else math.nan,
        low=min(means, default=math.nan),
        high=max(means, default=math.nan),
    )


def _defined_means(metric: str, cases: Iterable[Sequence[Score]]) -> Iterator[float]:
    for case in cases:
        defined = [value for s in case if not math.isnan(value := getattr(s, metric))]
        if defined:
            yield statistics.fmean(defined)


def _groups(pairs: Iterable[tuple[str, Score]]) -> dict[str, list[Score]]:
    groups: dict[str, list[Score]] = {}
    for key, score in pairs:
        groups.setdefault(key, []).append(score)
    return groups
