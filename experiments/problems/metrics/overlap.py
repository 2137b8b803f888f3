"""Pixel metrics: one confusion table a case, and ratios of its entries.

The four counts of a class against all others are Python integers, so that their products, which reach 1e30 for a
volume, are exact. Each metric is a function of the counts, and NaN where its denominator is zero.

Formulas: Müller, Soto-Rey and Kramer (2022), "Towards a guideline for evaluation metrics in medical image
segmentation", BMC Research Notes 15:210; adjusted Rand index: Hubert and Arabie (1985).
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Counts:
    """Pixels or voxels of one class against the rest, of one case."""

    tp: int  # in the class in both, the truth and the prediction
    fp: int  # in the prediction only
    fn: int  # in the truth only
    tn: int  # in neither

    @property
    def truth(self) -> int:
        """Size of the class in the truth."""
        return self.tp + self.fn

    @property
    def prediction(self) -> int:
        """Size of the class in the prediction."""
        return self.tp + self.fp

    @property
    def total(self) -> int:
        """Size of the image."""
        return self.tp + self.fp + self.fn + self.tn


def confusion(truth: Labels, prediction: Labels, classes: int) -> npt.NDArray[np.int64]:
    """Returns the confusion table, [classes, classes]: rows are the truth's labels, columns the prediction's."""
    pairs = truth.ravel() * classes + prediction.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def counts(table: npt.NDArray[np.int64], label: int) -> Counts:
    """Returns the counts of one class against the rest, from the confusion table."""
    tp, truth, prediction = int(table[label, label]), int(table[label].sum()), int(table[:, label].sum())
    return Counts(tp, prediction - tp, truth - tp, int(table.sum()) - truth - prediction + tp)


def dice(c: Counts) -> float:
    """Dice similarity coefficient, F1: 2 TP / (2 TP + FP + FN)."""
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def iou(c: Counts) -> float:
    """Intersection over union, Jaccard: TP / (TP + FP + FN)."""
    return _ratio(c.tp, c.tp + c.fp + c.fn)


def sensitivity(c: Counts) -> float:
    """Sensitivity, recall, true positive rate: TP / (TP + FN)."""
    return _ratio(c.tp, c.truth)


def specificity(c: Counts) -> float:
    """Specificity, true negative rate: TN / (TN + FP)."""
    return _ratio(c.tn, c.tn + c.fp)


def precision(c: Counts) -> float:
    """Precision, positive predictive value: TP / (TP + FP)."""
    return _ratio(c.tp, c.prediction)


def accuracy(c: Counts) -> float:
    """Pixel accuracy: (TP + TN) / n. The guideline calls it the Rand index, which for pairs is another number."""
    return _ratio(c.tp + c.tn, c.total)


def balanced_accuracy(c: Counts) -> float:
    """Mean of sensitivity and specificity; also the area under the ROC curve of a single threshold."""
    return (sensitivity(c) + specificity(c)) / 2


def kappa(c: Counts) -> float:
    """Cohen's kappa, agreement beyond chance: 2 (TP TN - FN FP) / ((TP+FP)(FP+TN) + (TP+FN)(FN+TN))."""
    return _ratio(2 * (c.tp * c.tn - c.fn * c.fp), c.prediction * (c.fp + c.tn) + c.truth * (c.fn + c.tn))


def mcc(c: Counts) -> float:
    """Matthews correlation coefficient of the two masks."""
    product = c.prediction * c.truth * (c.tn + c.fp) * (c.tn + c.fn)
    return _ratio(c.tp * c.tn - c.fp * c.fn, math.sqrt(product))


def volumetric_similarity(c: Counts) -> float:
    """Agreement of the two sizes, wherever they lie: 1 - |FN - FP| / (2 TP + FP + FN)."""
    return 1 - _ratio(abs(c.fn - c.fp), c.truth + c.prediction)


def adjusted_rand(c: Counts) -> float:
    """Adjusted Rand index: Cohen's kappa of the pairs of pixels, together or apart; equal partitions have 1."""
    squares = sum(x * x for x in (c.tp, c.fp, c.fn, c.tn))
    same_truth = c.truth**2 + (c.total - c.truth) ** 2
    same_prediction = c.prediction**2 + (c.total - c.prediction) ** 2
    pairs = Counts(
        tp=squares - c.total,
        fp=same_prediction - squares,
        fn=same_truth - squares,
        tn=c.total**2 - same_truth - same_prediction + squares,
    )
    return 1.0 if pairs.fp == pairs.fn == 0 else kappa(pairs)


RATIOS = (sensitivity, specificity, precision, accuracy, balanced_accuracy, kappa, mcc, adjusted_rand)
OVERLAPS = (dice, iou, volumetric_similarity)


def overlap_metrics(c: Counts) -> dict[str, float]:
    """Returns every metric of the counts by name; the overlaps of two empty masks are 1."""
    overlaps = {f.__name__: f(c) if c.truth or c.prediction else 1.0 for f in OVERLAPS}
    return overlaps | {f.__name__: f(c) for f in RATIOS}


def auc(truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> float:
    """Returns the area under the ROC curve: how often a pixel of the class scores above another, ties by half.

    NaN where the truth has pixels of one kind only (Mann and Whitney's statistic).
    """
    from scipy import stats

    inside, total = int(truth.sum()), truth.size
    ranks = stats.rankdata(scores, axis=None)[truth.ravel()]
    return _ratio(float(ranks.sum()) - inside * (inside + 1) / 2, inside * (total - inside))


def _ratio(numerator: Any, denominator: Any) -> float:
    return numerator / denominator if denominator else math.nan
