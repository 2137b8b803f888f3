"""What cannot be measured is refused in one sentence that names the argument, its value and the way out."""

import numpy as np
import pytest

from experiments.problems.metrics import measure
from tests.experiments.masks import CLASSES, square

GOOD = {"classes": CLASSES, "spacing_mm": (1.0, 1.0), "tolerance_mm": 1.0}
SQUARE = square()
HALVES = np.full((32, 32, 2), 0.5)


def changed(value):
    """The square as floats with one other value in it."""
    image = SQUARE.astype(float)
    image[0, 0] = value
    return image


IMAGES = {
    "shapes differ": (SQUARE, SQUARE[:16], r"one shape, got \(32, 32\) and \(16, 32\)\."),
    "class scores": (SQUARE, HALVES, r"one shape.*\(32, 32, 2\).*np\.argmax"),
    "one axis": (SQUARE[0], SQUARE[0], r"2-D or 3-D.*shape \(32,\)"),
    "a batch": (SQUARE[None, None], SQUARE[None, None], r"2-D or 3-D.*\(1, 1, 32, 32\).*one by one"),
    "no pixels": (SQUARE[:0], SQUARE[:0], r"at least one pixel, got shape \(0, 32\)"),
    "a label too many": (changed(2), SQUARE, r"truth must hold the labels 0 to 1.*also got 2;"),
    "255 for white": (SQUARE, SQUARE * 255, r"prediction must hold the labels 0 to 1.*got 255;"),
    "a negative label": (changed(-1), SQUARE, r"truth.*also got -1;"),
    "a probability": (SQUARE, changed(0.3), r"prediction.*also got 0\.3; of scores take np\.argmax first"),
    "many": (SQUARE, np.arange(1024).reshape(32, 32), r"also got 2, 3, 4, 5, 6 \.\.\.;"),
    "NaN": (changed(np.nan), SQUARE, r"truth must hold labels, got NaN or infinity at 1 of 1024 pixels"),
    "infinity": (SQUARE, changed(np.inf), r"prediction must hold labels, got NaN or infinity"),
    "words": (SQUARE.astype(str), SQUARE, r"truth must be an image of numbers, got the dtype <U"),
    "complex": (SQUARE, SQUARE * 1j, r"prediction must be an image of numbers, got the dtype complex128"),
}


@pytest.mark.parametrize(("truth", "prediction", "words"), IMAGES.values(), ids=IMAGES)
def test_images_that_are_no_label_maps_are_refused(truth, prediction, words):
    """Nothing is broadcast, rounded or clipped."""
    with pytest.raises(ValueError, match=words) as caught:
        measure(truth, prediction, **GOOD)
    assert "\n" not in str(caught.value)


ARGUMENTS = {
    "too few": ("spacing_mm", (1.0,), r"spacing_mm must be 2 finite numbers above 0.*got \(1\.0,\).*\(1, 1\)"),
    "too many": ("spacing_mm", (1, 1, 3), r"got \(1, 1, 3\)"),
    "one number": ("spacing_mm", 1.0, r"2 finite numbers.*got 1\.0"),
    "zero": ("spacing_mm", (1, 0), r"above 0.*got \(1, 0\)"),
    "negative": ("spacing_mm", (-1, 1), r"got \(-1, 1\)"),
    "nan": ("spacing_mm", (1, float("nan")), r"got \(1, nan\)"),
    "infinite": ("spacing_mm", (1, float("inf")), r"got \(1, inf\)"),
    "none": ("spacing_mm", None, r"got None; to measure in pixels, write \(1, 1\)"),
    "text": ("spacing_mm", "11", r"got '11'"),
    "truth values": ("spacing_mm", (True, True), r"got \(True, True\)"),
    "below zero": ("tolerance_mm", -0.5, r"tolerance_mm must be.*at least 0, got -0\.5"),
    "not a tolerance": ("tolerance_mm", float("nan"), r"tolerance_mm.*got nan"),
    "no tolerance": ("tolerance_mm", None, r"tolerance_mm.*got None"),
    "near miss": ("empty", "diagnoal", r"empty must be one of diagonal, left_out.*'diagnoal'; did you mean 'diagonal'"),
    "far miss": ("empty", 0, r"empty must be one of.*got 0; see"),
    "one class": ("classes", ("background",), r"classes must name at least two.*got \('background',\)"),
    "twice": ("classes", ("a", "a"), r"each once.*got \('a', 'a'\)"),
    "one word": ("classes", "ab", r"classes must name.*got 'ab'"),
    "a number": ("classes", (0, 1), r"classes must name.*got \(0, 1\)"),
    "of another image": ("probabilities", HALVES[:16], r"shape \(32, 32, 2\), classes last, got \(16, 32, 2\)"),
    "logits": ("probabilities", HALVES * 20 - 5, r"from 0 to 1, got values from 5 to 5; of logits take the softmax"),
    "nan in them": ("probabilities", HALVES * np.nan, r"got NaN or infinity 2048 times among 2048"),
}


@pytest.mark.parametrize(("argument", "value", "words"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_out_of_range_are_refused(argument, value, words):
    """Each message has the argument, what it must be, and what it was."""
    with pytest.raises(ValueError, match=words) as caught:
        measure(SQUARE, SQUARE, **(GOOD | {argument: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", GOOD)
def test_nothing_that_decides_a_number_has_a_default(missing):
    """A spacing of 1 mm that nobody meant is how tools come to differ by centimetres."""
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{missing}'"):
        measure(SQUARE, SQUARE, **{name: value for name, value in GOOD.items() if name != missing})


def test_unknown_names_of_the_package_are_refused():
    """`MeanDice` is looked up late, and nothing else is."""
    import experiments.problems.metrics

    with pytest.raises(AttributeError, match="no attribute 'MeanDise'"):
        _ = experiments.problems.metrics.MeanDise
