"""One case measured: a row for each class, with every metric."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from experiments.problems.metrics import inputs
from experiments.problems.metrics.conventions import convention
from experiments.problems.metrics.overlap import Counts, auc, confusion, counts, overlap_metrics
from experiments.problems.metrics.surfaces import surface_metrics


@dataclasses.dataclass(frozen=True)
class Metric:
    """What one has to know to show a metric.

    Attributes:
        title: its name in words.
        best: its value when prediction and truth are equal.
        unit: mm where it is a distance, else empty.
    """

    title: str
    best: float = 1.0
    unit: str = ""


def _metric(title: str, best: float = 1.0, unit: str = "") -> Any:
    return dataclasses.field(metadata={"metric": Metric(title, best, unit)})


@dataclasses.dataclass(frozen=True)
class Score:
    """The metrics of one class in one case; `dataclasses.asdict` gives a row of a table.

    NaN stands for a ratio that is not defined in this case, as sensitivity is without a structure to be sensitive to;
    what the overlaps and distances of empty masks are is the convention's matter.

    Attributes:
        case: the case's name.
        label: the class's number in the label maps.
        class_name: the class's name.
        empty: name of the convention for empty masks.
        tolerance_mm: of the surface Dice.
        tp: pixels of the class in both.
        fp: pixels of the class in the prediction only.
        fn: pixels of the class in the truth only.
        tn: pixels of the class in neither.
        missed: the truth has the class and the prediction does not.
        false_alarm: the prediction has the class and the truth does not.
        size_difference: prediction minus truth, in mm^2 for a slice and mm^3 for a volume.
    """

    case: str
    label: int
    class_name: str
    empty: str
    tolerance_mm: float
    tp: int
    fp: int
    fn: int
    tn: int
    missed: bool
    false_alarm: bool
    size_difference: float
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
    empty: str = "diagonal",
    probabilities: Any = None,
    background: bool = False,
) -> list[Score]:
    """Measures the prediction of one case against its truth, each class against all others.

    Args:
        truth: label map, [height, width] or three axes for a volume; labels are 0 .. len(classes) - 1.
        prediction: label map of the same shape.
        classes: names of the classes in the order of their labels, the background first.
        spacing_mm: size of a pixel in mm along each axis of the arrays, in their order.
        tolerance_mm: distance in mm up to which the surface Dice counts boundaries as one.
        case: the case's name in the rows.
        empty: what empty masks are worth: diagonal, left_out, undefined or infinite; see `conventions`.
        probabilities: the model's, [*shape, classes], for the area under the ROC curve; without them the curve has
            the single point of the prediction, and the area is the balanced accuracy.
        background: whether class 0 gets a row too; it lifts every mean over classes.

    Returns:
        One score for each class, in the order of the labels.

    Raises:
        ValueError: an argument is not as described; the message says which, and what it was.
    """
    names, rule = inputs.class_names(classes), convention(empty)
    one, other = inputs.label_maps(truth, prediction, len(names))
    sizes, within = inputs.spacing(spacing_mm, one.ndim), inputs.tolerance(tolerance_mm)
    scores = inputs.class_scores(probabilities, one.shape, len(names))
    table = confusion(one, other, len(names))
    rows = []
    for label in range(0 if background else 1, len(names)):
        c, masks = counts(table, label), (one == label, other == label)
        metrics = overlap_metrics(c, rule.overlap) | surface_metrics(*masks, sizes, within, rule)
        metrics["auc"] = metrics["balanced_accuracy"] if scores is None else auc(masks[0], scores[..., label])
        metrics["size_difference"] = (c.prediction - c.truth) * math.prod(sizes)
        header = {"case": case, "label": label, "class_name": names[label], "empty": empty, "tolerance_mm": within}
        rows.append(_score(header, c, metrics))
    return rows


def _score(header: Mapping[str, Any], c: Counts, metrics: Mapping[str, Any]) -> Score:
    missed, false_alarm = c.prediction == 0 < c.truth, c.truth == 0 < c.prediction
    return Score(**header, tp=c.tp, fp=c.fp, fn=c.fn, tn=c.tn, missed=missed, false_alarm=false_alarm, **metrics)
