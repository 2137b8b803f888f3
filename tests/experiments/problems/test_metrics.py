"""Segmentation metrics have their known answers, and agree with looking at every pixel and every pair of points."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from experiments.problems.metrics import METRICS, measure
from experiments.problems.metrics.overlap import auc, counts, kappa, mcc
from experiments.problems.metrics.surfaces import distances
from experiments.text import to_csv
from tests.experiments.masks import (
    CLASSES,
    directed,
    mask,
    percentile,
    rand_of_pairs,
    random_masks,
    square,
    tally,
)

# Sums of a few dozen float64 numbers, in another order.
ROUNDING = 1e-12

SQUARE, WIDE, MOVED, FAR = square(), square(columns=(4, 16)), square(columns=(6, 14)), square((16, 24), (16, 24))
COUNTED = ("tp", "fp", "fn", "tn", "dice", "iou", "sensitivity", "specificity", "precision", "accuracy")
COUNTED += ("balanced_accuracy", "kappa", "mcc", "volumetric_similarity", "adjusted_rand")
# A 32 x 32 image; two squares, or a square and a rectangle, by hand.
KNOWN_COUNTS = {
    "8x8 against 8x12": (
        SQUARE,
        WIDE,
        (64, 32, 0, 928, 0.8, 2 / 3, 1, 0.966667, 2 / 3, 0.96875, 0.983333, 0.783784, 0.802773, 0.8, 0.755114),
    ),
    "8x12 against 8x8": (
        WIDE,
        SQUARE,
        (64, 0, 32, 928, 0.8, 2 / 3, 2 / 3, 1, 1, 0.96875, 0.833333, 0.783784, 0.802773, 0.8, 0.755114),
    ),
    "moved by 2": (
        SQUARE,
        MOVED,
        (48, 16, 16, 944, 0.75, 0.6, 0.75, 0.983333, 0.75, 0.96875, 0.866667, 0.733333, 0.733333, 1, 0.707337),
    ),
    "moved by 12 and 12": (
        SQUARE,
        FAR,
        (0, 64, 64, 896, 0, 0, 0, 0.933333, 0, 0.875, 0.466667, -0.066667, -0.066667, 1, -0.057364),
    ),
}
# hausdorff, average Hausdorff, average symmetric surface distance, surface Dice at 0, 1 and 2.
KNOWN_DISTANCES = {
    "8x8 against 8x12": (SQUARE, WIDE, (4.0, 44 / 36, 56 / 64, 0.6875, 0.75, 0.8125)),
    "moved by 2": (SQUARE, MOVED, (2.0, 1.0, 1.0, 24 / 56, 32 / 56, 1.0)),
    "moved by 12 and 12": (SQUARE, FAR, (12 * math.sqrt(2), 12.361197, 12.361197, 0, 0, 0)),
}


def score(truth, prediction, spacing_mm=(1, 1), tolerance_mm=1, **more):
    """The one row of a structure against the background."""
    (row,) = measure(truth, prediction, classes=CLASSES, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm, **more)
    return row


@pytest.mark.parametrize(("truth", "prediction", "expected"), KNOWN_COUNTS.values(), ids=KNOWN_COUNTS)
def test_metrics_of_counts_have_their_known_answers(truth, prediction, expected):
    """The table is printed to six digits."""
    row = dataclasses.asdict(score(truth, prediction))
    assert expected == pytest.approx(tuple(row[name] for name in COUNTED), abs=5e-7)


@pytest.mark.parametrize(("truth", "prediction", "expected"), KNOWN_DISTANCES.values(), ids=KNOWN_DISTANCES)
def test_metrics_of_boundaries_have_their_known_answers(truth, prediction, expected):
    """Boundary to boundary: with all pixels as points the average Hausdorff distance would be 80 / 96, not 44 / 36."""
    rows = [score(truth, prediction, tolerance_mm=tolerance) for tolerance in (0, 1, 2)]
    found = (rows[0].hausdorff_mm, rows[0].average_hausdorff_mm, rows[0].assd_mm, *(r.surface_dice for r in rows))
    assert expected == pytest.approx(found, abs=5e-7)


def test_directed_distances_start_where_their_names_say():
    """The rectangle's boundary strays further from the square's than the other way: means 12 / 28 and 44 / 36."""
    found = distances(SQUARE > 0, WIDE > 0, (1, 1))
    assert (12 / 28, 44 / 36) == pytest.approx((found.to_prediction.mean(), found.to_truth.mean()), rel=ROUNDING)
    assert (28, 36) == (len(found.to_prediction), len(found.to_truth))


def test_percentiles_are_taken_each_way_and_pooled():
    """A bump of three columns is 5 % of neither boundary alone: 2 mm, and 1 mm when the truth outvotes it."""
    truth = mask((64, 64), ((20, 40), (20, 40)))
    row = score(truth, truth | mask((64, 64), ((28, 31), (40, 43))))
    assert (3.0, 2.0, 1.0) == (row.hausdorff_mm, row.hausdorff_95_mm, row.hausdorff_95_pooled_mm)


def test_spacing_stretches_distances_along_its_own_axis():
    """Four columns of 2 mm are 8 mm; four rows of 1 mm are 4 mm."""
    assert 8.0 == score(SQUARE, WIDE, spacing_mm=(1, 2)).hausdorff_mm
    assert 4.0 == score(SQUARE.T, WIDE.T, spacing_mm=(1, 2)).hausdorff_mm


def test_one_pixel_is_its_own_boundary():
    """Two single pixels, 3 rows of 2 mm and 4 columns of 1 mm apart, are sqrt(36 + 16) mm apart by every measure."""
    row = score(mask((9, 9), ((1, 2), (1, 2))), mask((9, 9), ((4, 5), (5, 6))), spacing_mm=(2, 1))
    far = math.sqrt(52)
    assert (far, far, far, far) == (row.hausdorff_mm, row.hausdorff_95_mm, row.average_hausdorff_mm, row.assd_mm)
    assert (0, 0, -1 / 80) == (row.dice, row.surface_dice, pytest.approx(row.kappa, abs=ROUNDING))


def test_what_lies_beyond_the_image_is_outside_the_mask():
    """A mask that fills 5 x 5 has the image's frame as its boundary: two steps from the middle, not none."""
    row = score(np.ones((5, 5), int), mask((5, 5), ((2, 3), (2, 3))))
    frame = [math.hypot(x, y) for x in range(-2, 3) for y in range(-2, 3) if 2 in (abs(x), abs(y))]
    assert math.sqrt(8) == row.hausdorff_mm
    assert (sum(frame) + 2) / 17 == pytest.approx(row.assd_mm, rel=ROUNDING)
    assert math.isnan(row.specificity)


def test_a_shell_around_a_volume_is_measured_in_space():
    """A cube of 4 in a cube of 8, 1 x 1 x 3 mm: the corner is 2, 2 and 6 mm away, and 64 of 512 voxels overlap."""
    inner, outer = mask((10, 10, 10), ((3, 7),) * 3), mask((10, 10, 10), ((1, 9),) * 3)
    row = score(outer, inner, spacing_mm=(1, 1, 3))
    assert math.sqrt(4 + 4 + 36) == pytest.approx(row.hausdorff_mm, rel=ROUNDING)
    assert (128 / 576, -448 * 3) == (row.dice, row.size_difference)


@pytest.mark.parametrize("seed", range(12))
def test_metrics_equal_brute_force(seed):
    """Salt and pepper in the plane and in space, of uneven spacing, against loops over pixels and pairs."""
    shape, spacing = [((7, 9), (0.7, 2.0)), ((4, 5, 6), (1.0, 0.5, 3.0))][seed % 2]
    truth, prediction = random_masks(seed, shape, [0.1, 0.4, 0.8][seed % 3])
    row, (ones, others) = score(truth, prediction, spacing, tolerance_mm=2), directed(truth, prediction, spacing)
    both = ones + others
    expected = {
        "hausdorff_mm": max(both),
        "hausdorff_95_mm": max(percentile(ones, 0.95), percentile(others, 0.95)),
        "hausdorff_95_pooled_mm": percentile(both, 0.95),
        "average_hausdorff_mm": max(sum(ones) / len(ones), sum(others) / len(others)),
        "assd_mm": sum(both) / len(both),
        "surface_dice": sum(d <= 2 for d in both) / len(both),
    }
    assert expected == pytest.approx({name: getattr(row, name) for name in expected}, rel=ROUNDING)
    assert tally(truth, prediction) == (row.tp, row.fp, row.fn, row.tn)


def test_the_adjusted_rand_index_counts_pairs():
    """Pairs of pixels that are together or apart in both, beyond chance."""
    truth, prediction = random_masks(3, (5, 6), 0.4)
    tp, fp, fn, tn = rand_of_pairs(truth, prediction)
    chance = (tp + fp) * (tp + fn) / (tp + fp + fn + tn)
    expected = (tp - chance) / ((tp + fp + tp + fn) / 2 - chance)
    assert expected == pytest.approx(score(truth, prediction).adjusted_rand, rel=ROUNDING)


def test_a_distance_at_the_tolerance_is_within():
    """0.3 mm is stored as a little less than three steps of 0.1 mm."""
    truth, prediction = mask((8, 8), ((0, 8), (0, 1))), mask((8, 8), ((0, 8), (3, 4)))
    row = score(truth, prediction, (0.1, 0.1), 0.3)
    assert (True, 1.0) == (row.hausdorff_mm > 0.3, row.surface_dice)


def test_swapping_truth_and_prediction_swaps_only_what_has_a_direction():
    """Precision and sensitivity change places; the size difference changes its sign."""
    one, other = score(SQUARE, WIDE), score(WIDE, SQUARE)
    directional = {"sensitivity", "specificity", "precision", "balanced_accuracy", "auc"}
    for name in set(METRICS) - directional:
        assert getattr(one, name) == getattr(other, name), name
    assert (one.sensitivity, one.size_difference) == (other.precision, -other.size_difference)


def test_a_perfect_prediction_has_every_metrics_best_value():
    """`best` is what the figures draw towards."""
    row = score(SQUARE, SQUARE)
    assert {name: metric.best for name, metric in METRICS.items()} == {name: getattr(row, name) for name in METRICS}


def test_each_class_is_measured_against_all_others():
    """Rows of a map with three classes equal those of each class's own mask; the background has none."""
    truth, prediction = np.random.default_rng(0).integers(0, 3, (2, 12, 9))
    ways = {"spacing_mm": (1, 2), "tolerance_mm": 1}
    rows = measure(truth, prediction, classes=("background", "grey", "white"), **ways)
    assert [(1, "grey"), (2, "white")] == [(r.label, r.class_name) for r in rows]
    for row in rows:
        alone = score((truth == row.label).astype(int), (prediction == row.label).astype(int), **ways)
        assert alone == dataclasses.replace(row, label=1, class_name="structure")


def test_labels_may_be_of_any_type_that_holds_them():
    """Volumes are read as floats, masks as booleans."""
    expected = score(SQUARE, WIDE)
    for kind in (bool, np.uint8, np.int16, np.float32, np.float64):
        assert expected == score(SQUARE.astype(kind), WIDE.astype(kind))


def test_products_of_large_counts_do_not_overflow():
    """The correlation multiplies four sums of counts: 2**33 each, and 64 bits would wrap."""
    large = counts(np.array([[2**33, 2**31], [2**31, 2**33]]), 1)
    assert (0.6, 0.6) == pytest.approx((mcc(large), kappa(large)), rel=ROUNDING)


def test_the_area_under_the_curve_counts_pairs_in_the_right_order():
    """Of the 4 pairs of a pixel inside and one outside, 2 are in order and 1 is a tie."""
    truth, scores = np.array([[True, True], [False, False]]), np.array([[0.9, 0.4], [0.4, 0.6]])
    assert 2.5 / 4 == auc(truth, scores)
    assert math.isnan(auc(np.zeros((2, 2), bool), scores))


def test_the_area_under_the_curve_is_of_probabilities_if_there_are_any():
    """A single threshold has the balanced accuracy as its area; the probabilities may rank better than they decide."""
    ramp = np.linspace(0, 1, 32 * 32).reshape(32, 32)
    truth, prediction = (ramp > 0.7).astype(int), (ramp > 0.5).astype(int)
    alone = score(truth, prediction)
    ranked = score(truth, prediction, probabilities=np.stack([1 - ramp, ramp], axis=-1))
    assert alone.balanced_accuracy == alone.auc < 1.0 == ranked.auc


def test_rows_make_a_table():
    """Each row is flat, numbers and words, and so is the table of many."""
    text = to_csv([dataclasses.asdict(score(SQUARE, WIDE, case="first")), dataclasses.asdict(score(WIDE, SQUARE))])
    heading, first, _ = text.splitlines()
    assert heading.startswith("case,label,class_name,empty,tolerance_mm,tp,fp,fn,tn,missed,false_alarm,size_difference")
    assert first.startswith("first,1,structure,diagonal,1.0,64,32,0,928,False,False,32.0,")


def test_measuring_does_not_wait_for_tensorflow():
    """Figures and tables import the metrics."""
    code = "import sys, experiments.problems.metrics; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False False" == done.stdout.strip()
