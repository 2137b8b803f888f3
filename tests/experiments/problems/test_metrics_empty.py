"""Empty masks are worth what the convention says, and nothing undefined slips into a mean."""

import math

import numpy as np
import pytest

from experiments.problems.metrics import ALL_CLASSES, METRICS, measure, summarise
from tests.experiments.masks import CLASSES, square

EMPTY, SQUARE = np.zeros((32, 32), int), square()
DISTANCES = tuple(name for name, metric in METRICS.items() if metric.unit == "mm")
OVERLAPS = ("dice", "iou", "volumetric_similarity", "surface_dice")
# Of pixels 2 x 1 mm: 31 steps along each axis.
DIAGONAL = math.hypot(62, 31)
NAN = math.nan


def score(truth, prediction, case=""):
    """The one row of a structure against the background."""
    (row,) = measure(truth, prediction, classes=CLASSES, spacing_mm=(2, 1), tolerance_mm=1, case=case)
    return row


def values(row, names):
    """Some metrics of a row."""
    return [getattr(row, name) for name in names]


def test_two_empty_masks():
    """Nothing to find, and nothing found."""
    row = score(EMPTY, EMPTY)
    assert ([1] * 4, [0] * 5) == (values(row, OVERLAPS), values(row, DISTANCES))
    assert (False, False, "diagonal") == (row.missed, row.false_alarm, row.empty)


@pytest.mark.parametrize("missed", [True, False])
def test_one_empty_mask(missed):
    """A miss and a false alarm have no overlap, and the image's diagonal as distance."""
    row = score(SQUARE, EMPTY) if missed else score(EMPTY, SQUARE)
    assert ([0] * 4, [DIAGONAL] * 5) == (values(row, OVERLAPS), values(row, DISTANCES))
    assert (missed, not missed) == (row.missed, row.false_alarm)


# sensitivity, specificity, precision, accuracy, balanced accuracy, kappa, correlation, adjusted Rand index
RATIOS = ("sensitivity", "specificity", "precision", "accuracy", "balanced_accuracy", "kappa", "mcc", "adjusted_rand")
UNDEFINED = {
    "both empty": (EMPTY, EMPTY, (NAN, 1, NAN, 1, NAN, NAN, NAN, 1)),
    "missed": (SQUARE, EMPTY, (0, 1, NAN, 0.9375, 0.5, 0, NAN, 0)),
    "false alarm": (EMPTY, SQUARE, (NAN, 0.9375, 0, 0.9375, NAN, 0, NAN, 0)),
    "both full": (EMPTY + 1, EMPTY + 1, (1, NAN, 1, 1, NAN, NAN, NAN, 1)),
}


@pytest.mark.parametrize(("truth", "prediction", "expected"), UNDEFINED.values(), ids=UNDEFINED)
def test_ratios_without_a_denominator_are_undefined(truth, prediction, expected):
    """0 / 0 is NaN, not 0 and not 1: there is nothing to be sensitive to."""
    assert list(expected) == pytest.approx(values(score(truth, prediction), RATIOS), nan_ok=True)


def test_a_class_that_is_absent_does_not_touch_the_others():
    """Of three classes one is missed; the row of the other is what it is alone."""
    truth = SQUARE.copy()
    truth[20:24, 20:24] = 2
    rows = measure(truth, SQUARE, classes=("background", "a", "b"), spacing_mm=(1, 1), tolerance_mm=1)
    assert [(1.0, False), (0.0, True)] == [(row.dice, row.missed) for row in rows]


def summary(rows, metric, class_name=CLASSES[1]):
    """The summary of one metric."""
    (found,) = [s for s in summarise(rows) if (s.metric, s.class_name) == (metric, class_name)]
    return found


def test_a_miss_never_lifts_a_mean():
    """One structure missed in place of found badly lowers overlaps and raises distances."""
    bad = score(SQUARE, square(columns=(20, 28)), case="hard")
    easy, miss = score(SQUARE, SQUARE, case="easy"), score(SQUARE, EMPTY, case="hard")
    for name in ("dice", "iou", "volumetric_similarity"):
        assert summary([easy, bad], name).mean >= summary([easy, miss], name).mean
    for name in DISTANCES:
        assert summary([easy, bad], name).mean < summary([easy, miss], name).mean


def test_left_out_values_are_counted():
    """Three cases of four have a sensitivity; misses, false alarms and empty truths are counted beside the mean."""
    pairs = [(SQUARE, SQUARE), (SQUARE, EMPTY), (EMPTY, SQUARE), (SQUARE, square(columns=(8, 16)))]
    rows = [score(*pair, case=str(i)) for i, pair in enumerate(pairs)]
    found = summary(rows, "sensitivity")
    assert (3, 1, 1, 1, 1) == (found.cases, found.left_out, found.missed, found.false_alarms, found.empty_truths)
    assert (0.5, 0.5, 0.5, 0, 1) == (found.mean, found.sd, found.median, found.low, found.high)
    nothing = summary([score(EMPTY, EMPTY)], "sensitivity")
    assert (0, 1) == (nothing.cases, nothing.left_out)
    assert math.isnan(nothing.mean)


def test_no_mean_is_nan_while_a_value_is_defined():
    """A case found, a case missed, a case without the structure."""
    pairs = [(SQUARE, SQUARE), (SQUARE, EMPTY), (EMPTY, EMPTY)]
    for found in summarise([score(*pair, str(i)) for i, pair in enumerate(pairs)]):
        assert not math.isnan(found.mean), found.metric


def test_the_mean_is_over_classes_then_over_cases():
    """Class b is absent from case 1, where its sensitivity is undefined: that case's mean is class a's alone."""
    both = SQUARE.copy()
    both[20:24, 20:24] = 2
    ways = {"classes": ("background", "a", "b"), "spacing_mm": (1, 1), "tolerance_mm": 1}
    half = SQUARE * (np.arange(32) < 8)
    rows = measure(SQUARE, half, case="1", **ways) + measure(both, SQUARE, case="2", **ways)
    found = summary(rows, "sensitivity", ALL_CLASSES)
    assert ((0.5 + (1 + 0) / 2) / 2, 2, 1) == (found.mean, found.cases, found.left_out)
    assert (0.5 + 1) / 2 == summary(rows, "sensitivity", "a").mean


def test_what_cannot_be_measured_is_refused():
    """Nothing is broadcast, rounded or clipped."""
    with pytest.raises(ValueError, match=r"one shape, got \(32, 32\) and \(16, 32\)\."):
        score(SQUARE, SQUARE[:16])
    for wrong, shown in ((2, "2"), (-1, "-1"), (0.3, "0.3"), (math.nan, "nan")):
        changed = SQUARE.astype(float)
        changed[0, 0] = wrong
        with pytest.raises(ValueError, match=rf"prediction must hold the labels 0 to 1, also got {shown}\."):
            score(SQUARE, changed)
