"""The score of one case: a row for each class, with every metric; and their summary over cases.

Empty masks: a ratio has no value when its denominator is zero, and a distance has none when there is nothing to
measure to. Where empty masks are common the answer decides the mean, so this is the convention:

| masks | overlaps | distances |
|---|---|---|
| both empty | 1 | 0 |
| exactly one empty | 0 | the image's diagonal in mm |

Overlaps are Dice, IoU, volumetric similarity and surface Dice. So a model that misses one structure more never has a
better mean, as it can have where a miss is left out. (The formulas of Müller, Soto-Rey and Kramer 2022, BMC Research
Notes 15:210, leave distances to an empty mask open; MONAI and DeepMind's surface-distance have infinity there.)

The other ratios (sensitivity, precision, Cohen's kappa ...) are NaN where their denominator is zero: a case without
the structure has no sensitivity, and one without a prediction no precision. Means leave NaN out and count it.
"""

import dataclasses
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from experiments.problems.metrics.overlap import Labels, auc, confusion, counts, overlap_metrics
from experiments.problems.metrics.surfaces import surface_metrics

EMPTY = "diagonal"  # name of the convention above, a column of every table


@dataclasses.dataclass(frozen=True)
class Metric:
    """How to show a metric."""

    title: str  # its name in words
    best: float = 1.0  # its value when prediction and truth are equal
    unit: str = ""  # mm of a distance, else empty


def _metric(title: str, best: float = 1.0, unit: str = "") -> Any:
    return dataclasses.field(metadata={"metric": Metric(title, best, unit)})


@dataclasses.dataclass(frozen=True)
class Score:
    """The metrics of one class in one case; `dataclasses.asdict` gives a row of a table.

    NaN stands for a ratio that is not defined in this case, such as the sensitivity without a structure.
    """

    case: str  # the case's name
    label: int  # the class's number in the label maps
    class_name: str  # the class's name
    empty: str  # name of the convention for empty masks
    tolerance_mm: float  # of the surface Dice
    tp: int  # pixels of the class in both
    fp: int  # pixels of the class in the prediction only
    fn: int  # pixels of the class in the truth only
    tn: int  # pixels of the class in neither
    missed: bool  # the truth has the class and the prediction does not
    false_alarm: bool  # the prediction has the class and the truth does not
    size_difference: float  # prediction minus truth, in mm^2 for a slice and mm^3 for a volume
    dice: float = _metric("Dice")
    iou: float = _metric("IoU")
    sensitivity: float = _metric("Sensitivity")
    specificity: float = _metric("Specificity")
    precision: float = _metric("Precision")
    accuracy: float = _metric("Accuracy")
    balanced_accuracy: float = _metric("Balanced accuracy")
    auc: float = _metric("Area under the ROC curve")
    kappa: float = _metric("Cohen's kappa")
    mcc: float = _metric("Matthews correlation")
    adjusted_rand: float = _metric("Adjusted Rand index")
    volumetric_similarity: float = _metric("Volumetric similarity")
    hausdorff_mm: float = _metric("Hausdorff distance", 0.0, "mm")
    hausdorff_95_mm: float = _metric("Hausdorff distance, 95 %", 0.0, "mm")
    hausdorff_95_pooled_mm: float = _metric("Hausdorff distance, pooled 95 %", 0.0, "mm")
    average_hausdorff_mm: float = _metric("Average Hausdorff distance", 0.0, "mm")
    assd_mm: float = _metric("Average symmetric surface distance", 0.0, "mm")
    surface_dice: float = _metric("Surface Dice")


METRICS: Mapping[str, Metric] = MappingProxyType(
    {f.name: f.metadata["metric"] for f in dataclasses.fields(Score) if "metric" in f.metadata}
)


def measure(
    truth: Any,
    prediction: Any,
    *,
    classes: Sequence[str],
    spacing_mm: Sequence[float],
    tolerance_mm: float,
    case: str = "",
    probabilities: Any = None,
) -> list[Score]:
    """Returns the scores of one case, each class but the background against all others, in the order of the labels.

    Args:
        truth: label map, [height, width] or three axes for a volume; labels are 0 .. len(classes) - 1.
        prediction: label map of the same shape.
        classes: names of the classes in the order of their labels, the background first.
        spacing_mm: size of a pixel in mm along each axis of the arrays, in their order.
        tolerance_mm: distance in mm up to which the surface Dice counts boundaries as one.
        case: the case's name in the rows.
        probabilities: the model's, [*shape, classes], for the area under the ROC curve; without them the curve has
            the single point of the prediction, and the area is the balanced accuracy.

    Raises:
        ValueError: the shapes differ, or a label is no class.
    """
    one, other = _labels(truth, prediction, len(classes))
    table, sizes, rows = confusion(one, other, len(classes)), tuple(map(float, spacing_mm)), []
    for label, name in list(enumerate(classes))[1:]:
        c, masks = counts(table, label), (one == label, other == label)
        metrics: dict[str, Any] = overlap_metrics(c) | surface_metrics(*masks, sizes, tolerance_mm)
        ranked = None if probabilities is None else np.asarray(probabilities, float)[..., label]
        metrics["auc"] = metrics["balanced_accuracy"] if ranked is None else auc(masks[0], ranked)
        rows.append(
            Score(
                case=case,
                label=label,
                class_name=name,
                empty=EMPTY,
                tolerance_mm=float(tolerance_mm),
                **dataclasses.asdict(c),
                missed=c.prediction == 0 < c.truth,
                false_alarm=c.truth == 0 < c.prediction,
                size_difference=(c.prediction - c.truth) * math.prod(sizes),
                **metrics,
            )
        )
    return rows


def _labels(truth: Any, prediction: Any, classes: int) -> tuple[Labels, Labels]:
    one, other = np.asarray(truth), np.asarray(prediction)
    if one.shape != other.shape:
        raise ValueError(f"truth and prediction must have one shape, got {one.shape} and {other.shape}.")
    for name, labels in (("truth", one), ("prediction", other)):
        if wrong := sorted(set(np.unique(labels)) - set(range(classes))):
            raise ValueError(f"{name} must hold the labels 0 to {classes - 1}, also got {wrong[0]:g}.")
    return one.astype(np.int64), other.astype(np.int64)


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
    by_class, by_case = defaultdict(list), defaultdict(list)
    for score in scores:
        by_class[score.class_name].append(score)
        by_case[score.case].append(score)
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
