"""The metrics agree with known libraries where those are right, and each case where one is wrong has a test's name.

scikit-learn and surface-distance-based-measures run here. MedPy 0.5.2 has no wheel and MISeval 1.3.0 brings a dozen
packages, so that their numbers below were recorded with NumPy 2.4.6 and SciPy 1.17.1, by

    from medpy.metric import binary as m            # hd, hd95, assd, asd, dc, jc, sensitivity, specificity, precision
    truth, prediction = random_masks(seed, shape, share)
    m.hd(prediction, truth, spacing), ..., max(m.asd(prediction, truth, spacing), m.asd(truth, prediction, spacing))

    from miseval import evaluate
    evaluate(truth, prediction, metric="AHD", multi_class=False)
"""

import math

import numpy as np
import pytest
import sklearn.metrics  # comes with mlxtend and nilearn
import surface_distance as deepmind

from tests.experiments.masks import mask, random_masks, square
from tests.experiments.problems.test_metrics import ROUNDING, score

# surface-distance calls SciPy by names that SciPy has given up.
pytestmark = pytest.mark.filterwarnings("ignore:Please (use|import) `:DeprecationWarning")

EMPTY, SQUARE, WIDE = np.zeros((32, 32), int), square(), square(columns=(4, 16))
DIAGONAL = math.hypot(31, 31)
MEDPY = {
    (0, (12, 15), 0.1, (1, 1)): (
        (2.8284271247461903, 2.23606797749979, 1.2347389024485405, 1.292093498762345),
        (0.10810810810810811, 0.05714285714285714, 0.10526315789473684, 0.9006211180124224, 0.1111111111111111),
    ),
    (1, (12, 15), 0.5, (0.7, 2)): (
        (2.4413111231467406, 2.0, 0.43492087354420084, 0.44618902621168816),
        (0.5851063829787234, 0.41353383458646614, 0.625, 0.5108695652173914, 0.55),
    ),
    (2, (6, 7, 8), 0.05, (1.25, 1.25, 2.7)): (
        (5.153882032022076, 3.5896589913799763, 2.3737098833971304, 2.4999384299813046),
        (0.06666666666666667, 0.034482758620689655, 0.07142857142857142, 0.953416149068323, 0.0625),
    ),
    (3, (6, 7, 8), 0.6, (3, 1, 0.5)): (
        (1.118033988749895, 1.0, 0.22868650367592563, 0.25291525466391457),
        (0.6359223300970874, 0.46619217081850534, 0.6649746192893401, 0.39568345323741005, 0.6093023255813953),
    ),
}
# Of 8x8 against 8x12, then the square against nothing, nothing against it, nothing against nothing.
MISEVAL = {
    "AHD": (4.0, 16.278820596099706, 16.278820596099706, 0.0),
    "IoU": (0.6666666666666666, 0.0, 0.0, 0.0),
    "SENS": (1.0, 0.0, 0.0, 0.0),
    "PREC": (0.6666666666666666, 0.0, 0.0, 0.0),
    "BACC": (0.9833333333333334, 0.5, 0.9375, 1.0),
    "MCC": (0.8027729719194864, 0.0, 0.0, 0.0),
    "RI": (0.96875, 0.9375, 0.9375, 1.0),
}
CASES = ((SQUARE, WIDE), (SQUARE, EMPTY), (EMPTY, SQUARE), (EMPTY, EMPTY))


def compared(name):
    """MISeval's recorded values and ours of the four cases, by the name of ours."""
    recorded = {"average_hausdorff_mm": "AHD", "iou": "IoU", "sensitivity": "SENS", "precision": "PREC", "mcc": "MCC"}
    recorded |= {"balanced_accuracy": "BACC", "accuracy": "RI"}
    return MISEVAL[recorded[name]], tuple(getattr(score(*pair), name) for pair in CASES)


def surfaces(truth, prediction, spacing=(1, 1)):
    """DeepMind's distances of two label maps."""
    return deepmind.compute_surface_distances(truth.astype(bool), prediction.astype(bool), spacing)


@pytest.mark.parametrize("seed", range(8))
def test_counts_agree_with_scikit_learn(seed):
    """Random masks of all densities; the area under the curve also of probabilities with ties."""
    truth, prediction = random_masks(seed, (12, 11), 0.1 + 0.1 * seed)
    chance = np.random.default_rng(seed).integers(0, 9, (12, 11)) / 8
    flat, found = (truth.ravel(), prediction.ravel()), score(truth, prediction)
    expected = {
        "dice": sklearn.metrics.f1_score(*flat),
        "iou": sklearn.metrics.jaccard_score(*flat),
        "sensitivity": sklearn.metrics.recall_score(*flat),
        "precision": sklearn.metrics.precision_score(*flat),
        "accuracy": sklearn.metrics.accuracy_score(*flat),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(*flat),
        "auc": sklearn.metrics.roc_auc_score(*flat),
        "kappa": sklearn.metrics.cohen_kappa_score(*flat),
        "mcc": sklearn.metrics.matthews_corrcoef(*flat),
        "adjusted_rand": sklearn.metrics.adjusted_rand_score(*flat),
    }
    assert expected == pytest.approx({name: getattr(found, name) for name in expected}, rel=ROUNDING, abs=ROUNDING)
    ranked = score(truth, prediction, probabilities=np.stack([1 - chance, chance], -1)).auc
    assert sklearn.metrics.roc_auc_score(flat[0], chance.ravel()) == pytest.approx(ranked, rel=ROUNDING)


@pytest.mark.parametrize("case", MEDPY, ids=str)
def test_distances_and_counts_agree_with_medpy(case):
    """MedPy's boundary is ours, its percentile the pooled one, its average surface distance both ways in one list."""
    (seed, shape, share, spacing), (distances, ratios) = case, MEDPY[case]
    found = score(*random_masks(seed, shape, share), spacing)
    ours = (found.hausdorff_mm, found.hausdorff_95_pooled_mm, found.assd_mm, found.average_hausdorff_mm)
    assert distances == pytest.approx(ours, rel=ROUNDING)
    ours = (found.dice, found.iou, found.sensitivity, found.specificity, found.precision)
    assert ratios == pytest.approx(ours, rel=ROUNDING)


@pytest.mark.parametrize("seed", range(10))
def test_boxes_have_the_same_hausdorff_distance_and_dice_as_with_surface_distance(seed):
    """Its points are the corners between pixels and ours the pixels: of boxes, both are as far apart."""
    random, axes = np.random.default_rng(seed), 2 + seed % 2
    spacing = random.choice([0.5, 1.0, 1.5, 2.7], axes).tolist()
    low, size = random.integers(0, 12, (2, axes)), random.integers(2, 12, (2, axes))
    truth, prediction = (
        mask((24,) * axes, tuple(zip(a, b, strict=True)))
        for a, b in zip(low.tolist(), (low + size).tolist(), strict=True)
    )
    found = score(truth, prediction, spacing)
    theirs = deepmind.compute_robust_hausdorff(surfaces(truth, prediction, spacing), 100)
    assert theirs == pytest.approx(found.hausdorff_mm, rel=ROUNDING)
    assert deepmind.compute_dice_coefficient(truth > 0, prediction > 0) == pytest.approx(found.dice, rel=ROUNDING)


def test_smooth_shapes_have_surface_distances_measures_within_half_a_pixel():
    """It weighs the elements of the surface by their size and we count pixels: two rulers for one shape."""
    rows, columns = np.indices((80, 80))
    truth = (np.hypot(rows - 40, columns - 40) < 25).astype(int)
    prediction = (np.hypot(rows - 42, (columns - 38) / 1.2) < 24).astype(int)
    found, theirs = score(truth, prediction, tolerance_mm=3), surfaces(truth, prediction)
    half = 0.5
    assert deepmind.compute_robust_hausdorff(theirs, 100) == pytest.approx(found.hausdorff_mm, abs=half)
    assert deepmind.compute_robust_hausdorff(theirs, 95) == pytest.approx(found.hausdorff_95_mm, abs=half)
    average = max(deepmind.compute_average_surface_distance(theirs))
    assert average == pytest.approx(found.average_hausdorff_mm, abs=half)
    # Of about 300 points, those within half a pixel of the tolerance may fall on either side.
    overlap = deepmind.compute_surface_dice_at_tolerance(theirs, 3)
    assert overlap == pytest.approx(found.surface_dice, abs=0.1)


def test_surface_distance_is_wrong_about_one_empty_mask():
    """Version 0.1 fails on `np.Inf`, which NumPy 2 has not; a missed structure has a distance, and no surface Dice."""
    with pytest.raises(AttributeError, match=r"np\.Inf"):
        surfaces(SQUARE, EMPTY)
    row = score(SQUARE, EMPTY)
    assert (DIAGONAL, 0.0) == (row.hausdorff_mm, row.surface_dice)


def test_surface_distance_is_wrong_about_two_empty_masks():
    """Version 0.1 fails on `np.NaN` and `np.Inf`, and divides by zero; nothing found where nothing is, is right."""
    with pytest.raises(AttributeError, match=r"np\.NaN"):
        deepmind.compute_dice_coefficient(EMPTY > 0, EMPTY > 0)
    with pytest.raises(AttributeError, match=r"np\.Inf"):
        deepmind.compute_robust_hausdorff(surfaces(EMPTY, EMPTY), 100)
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert math.isnan(deepmind.compute_surface_dice_at_tolerance(surfaces(EMPTY, EMPTY), 1))
    row = score(EMPTY, EMPTY)
    assert (1.0, 0.0, 1.0) == (row.dice, row.hausdorff_mm, row.surface_dice)


def test_surface_distance_is_wrong_about_a_distance_at_the_tolerance():
    """Two columns 0.3 mm apart are within 0.3 mm; rounding of 3 x 0.1 makes it lose half of the surface."""
    truth, prediction = mask((8, 8), ((0, 8), (0, 1))), mask((8, 8), ((0, 8), (3, 4)))
    theirs = deepmind.compute_surface_dice_at_tolerance(surfaces(truth, prediction, (0.1, 0.1)), 0.3)
    assert (0.5, 1.0) == (pytest.approx(theirs, rel=ROUNDING), score(truth, prediction, (0.1, 0.1), 0.3).surface_dice)


def test_medpy_is_wrong_about_dice_of_two_empty_masks():
    """MedPy 0.5.2 divides by zero for Dice (NaN) and has 1 for IoU of the same masks; both are 1."""
    row = score(EMPTY, EMPTY)
    assert (1.0, 1.0) == (row.dice, row.iou)


def test_medpy_is_wrong_about_distances_to_an_empty_mask():
    """MedPy 0.5.2 raises RuntimeError, so that a study stops at a miss or drops it."""
    assert DIAGONAL == score(SQUARE, EMPTY).assd_mm == score(EMPTY, SQUARE).hausdorff_95_mm


def test_medpy_is_wrong_about_shapes_that_differ():
    """MedPy 0.5.2 broadcasts 4 x 4 with 4 x 1, and has a Dice of 1.6."""
    with pytest.raises(ValueError, match="one shape"):
        score(np.ones((4, 4), int), np.ones((4, 1), int))


def test_medpys_95th_percentile_lets_the_larger_boundary_outvote_the_smaller():
    """MedPy 0.5.2 has 1.0 for a bump of three columns, the pooled percentile; the larger of the directed ones is 2."""
    truth = mask((64, 64), ((20, 40), (20, 40)))
    row = score(truth, truth | mask((64, 64), ((28, 31), (40, 43))))
    assert (1.0, 2.0) == (row.hausdorff_95_pooled_mm, row.hausdorff_95_mm)


def test_miseval_is_wrong_about_the_average_hausdorff_distance():
    """It returns the maximum, 4 for 44 / 36; with one mask empty a number made by the image's size; 0 is right."""
    theirs, ours = compared("average_hausdorff_mm")
    assert ours == pytest.approx((44 / 36, DIAGONAL, DIAGONAL, 0))
    assert [False, False, False, True] == np.isclose(theirs, ours).tolist()


@pytest.mark.parametrize(
    ("name", "right"),
    {
        "iou": (True, True, True, False),  # 0 for two empty masks, whose Dice it has as 1
        "sensitivity": (True, True, False, False),  # 0 where there is nothing to be sensitive to
        "precision": (True, False, True, False),  # 0 where nothing was predicted
        "balanced_accuracy": (True, True, False, False),  # the specificity where the sensitivity is undefined
        "mcc": (True, False, False, False),  # 0 for 0 / 0
    }.items(),
)
def test_miseval_is_wrong_about_ratios_of_empty_masks(name, right):
    """It has a number for each 0 / 0; where it is right, it agrees."""
    theirs, ours = compared(name)
    assert list(right) == np.isclose(theirs, ours).tolist()


def test_misevals_rand_index_is_the_accuracy():
    """The Rand index of pairs of pixels is lower, .9394 for 8x8 against 8x12; no metric of ours carries its name."""
    theirs, ours = compared("accuracy")
    assert theirs == ours
    assert 0.9394 == pytest.approx(sklearn.metrics.rand_score(SQUARE.ravel(), WIDE.ravel()), abs=5e-5)
