"""Empty masks are worth what the named convention says, and nothing undefined slips into a mean."""

import dataclasses
import math

import numpy as np
import pytest

from experiments.problems.metrics import ALL_CLASSES, CONVENTIONS, METRICS, measure, summarise
from tests.experiments.masks import CLASSES, square

EMPTY, SQUARE = np.zeros((32, 32), int), square()
DISTANCES = tuple(name for name, metric in METRICS.items() if metric.unit == "mm")
OVERLAPS = ("dice", "iou", "volumetric_similarity", "surface_dice")
# Of pixels 2 x 1 mm: 31 steps along each axis.
DIAGONAL = math.hypot(62, 31)
NAN = math.nan
# Overlaps and distances when both are empty; distances when one is.
EXPECTED = {
    "diagonal": (1, 0, DIAGONAL),
    "left_out": (1, 0, NAN),
    "undefined": (NAN, NAN, NAN),
    "infinite": (NAN, NAN, math.inf),
}


def score(truth, prediction, empty="diagonal", case=""):
    """The one row of a structure against the background."""
    (row,) = measure(truth, prediction, classes=CLASSES, spacing_mm=(2, 1), tolerance_mm=1, empty=empty, case=case)
    return row


def values(row, names):
    """Some metrics of a row."""
    return [getattr(row, name) for name in names]


def test_every_convention_is_tested():
    """A new name needs a line in the table above."""
    assert list(CONVENTIONS) == list(EXPECTED)


@pytest.mark.parametrize("empty", CONVENTIONS)
def test_two_empty_masks(empty):
    """Nothing to find, and nothing found."""
    overlap, distance, _ = EXPECTED[empty]
    row = score(EMPTY, EMPTY, empty)
    assert [overlap] * 4 == pytest.approx(values(row, OVERLAPS), nan_ok=True)
    assert [distance] * 5 == pytest.approx(values(row, DISTANCES), nan_ok=True)
    assert (False, False, empty) == (row.missed, row.false_alarm, row.empty)


@pytest.mark.parametrize("empty", CONVENTIONS)
@pytest.mark.parametrize("missed", [True, False])
def test_one_empty_mask(empty, missed):
    """A miss and a false alarm have no overlap, and a distance that is not zero."""
    row = score(SQUARE, EMPTY, empty) if missed else score(EMPTY, SQUARE, empty)
    assert [0] * 4 == values(row, OVERLAPS)
    assert [EXPECTED[empty][2]] * 5 == pytest.approx(values(row, DISTANCES), nan_ok=True)
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
    """Under the default, one structure missed in place of found badly lowers overlaps and raises distances."""
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
    """Whatever the convention; of infinite distances the mean is infinite, and only the deviation has no number."""
    for empty in CONVENTIONS:
        pairs = [(SQUARE, SQUARE), (SQUARE, EMPTY), (EMPTY, EMPTY)]
        for found in summarise([score(*pair, empty, str(i)) for i, pair in enumerate(pairs)]):
            assert not math.isnan(found.mean), (empty, found.metric)
    infinite = summary([score(SQUARE, EMPTY, "infinite", "1"), score(SQUARE, SQUARE, "infinite", "2")], "assd_mm")
    assert (math.inf, 0, math.inf, True) == (infinite.mean, infinite.low, infinite.median, math.isnan(infinite.sd))


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


def test_scores_that_do_not_belong_together_are_refused():
    """A mean over two conventions, or over cases with and without a class, would be of nothing."""
    one = score(SQUARE, SQUARE, case="1")
    with pytest.raises(ValueError, match="at least one score"):
        summarise([])
    with pytest.raises(ValueError, match=r"share empty and tolerance_mm.*diagonal.*left_out"):
        summarise([one, score(SQUARE, SQUARE, "left_out", "2")])
    with pytest.raises(ValueError, match="Case '1' must have each class once"):
        summarise([one, one])
    with pytest.raises(ValueError, match=r"each class once \(\['other', 'structure'\]\), got \['structure'\]"):
        summarise([one, dataclasses.replace(one, case="2", class_name="other")])
