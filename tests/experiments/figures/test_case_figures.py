"""Figures of cases show every case, its misses, and where a prediction is wrong."""

import dataclasses
import functools
import math
import statistics
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from experiments.analysis import cases
from experiments.figures import cases as pictures
from experiments.problems import datasets
from experiments.running.training import evaluate
from experiments.text import from_csv
from tests.experiments import tiny
from tests.experiments.figures import drawn as drawing
from tests.experiments.figures.drawn import SVG, texts
from tests.experiments.small import record

STYLES = {entry.label: entry.style for entry in tiny.study().optimizers}
SLICES = tiny.slices(5)


def wrongly(rows):
    """The truth of the test slices without the last rows of slice n, as many as `rows[n]`."""
    found = SLICES.labels.copy()
    for number, count in enumerate(rows):
        found[number, found.shape[1] - count :] = 0
    return found


def made(label, seed, rows, folder):
    """The cases of a run with such a prediction, as records keep them."""
    found = wrongly(rows)
    by_image = {image.tobytes(): n for n, image in enumerate(SLICES.images)}

    def prediction(images):
        numbers = [by_image[image.tobytes()] for image in images]
        return found[numbers], np.eye(3)[found[numbers]]

    files = evaluate.files(*evaluate.measured(prediction, tiny.TASK, SLICES))
    paths = {}
    for name, content in files.items():
        path = folder / f"{label}-{seed}-{name}"
        path.write_bytes(content)
        paths[name.split(".")[0]] = path
    one = record("GD", seed=seed)
    return dataclasses.replace(one, run=dataclasses.replace(one.run, label=label), files=paths)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """GD misses a whole slice, CLMR errs less; slice 0 is the hardest for both, slice 4 the easiest."""
    folder = tmp_path_factory.mktemp("records")
    return cases.measured([made("GD", 0, (16, 9, 8, 7, 0), folder), made("CLMR", 0, (9, 8, 7, 7, 0), folder)])


def boxed(one, runs, folder):
    """The files of a figure of boxes."""
    draw = functools.partial(pictures.draw_boxes, boxes=one)
    return drawing.drawn(draw, cases.rows(runs, one.column), folder, styles=STYLES)


@pytest.fixture(scope="module", params=pictures.BOXES)
def drawn(request, runs, tmp_path_factory):
    """Each figure of boxes with its declaration, drawn once."""
    one = pictures.BOXES[request.param]
    return one, boxed(one, runs, tmp_path_factory.mktemp("boxes"))


def test_boxes_name_classes_optimizers_axis_and_misses(drawn):
    """Read alone, the figure says what it is."""
    one, files = drawn
    words = texts(files[1])
    for word in ("grey matter", "white matter", "GD", "CLMR", one.axis, "A title"):
        assert word in words
    assert words.count("1 missed") == 2  # GD, in both classes


def test_a_miss_lies_at_the_diagonal_and_a_perfect_distance_at_the_edge(runs):
    """Both are shown on an axis that has no zero."""
    rows = [row for row in cases.rows(runs, "hausdorff_95_mm") if row["optimizer"] == "GD"]
    assert [row["hausdorff_95_mm"] for row in rows if row["missed"]] == [pytest.approx(math.hypot(30, 11))] * 2
    assert 0.0 in [row["hausdorff_95_mm"] for row in rows]


def test_a_row_is_the_mean_of_a_case_over_seeds(runs, tmp_path):
    """And says how many seeds there are, and how often the structure was missed."""
    again = made("GD", 1, (9, 9, 8, 7, 0), tmp_path)
    first, second = (run.scores for run in (runs[0], *cases.measured([again])))
    found = [row for row in cases.rows([*runs, *cases.measured([again])], "dice") if row["optimizer"] == "GD"]
    assert [row["dice"] for row in found] == [(a.dice + b.dice) / 2 for a, b in zip(first, second, strict=True)]
    assert {row["seeds"] for row in found} == {2}
    assert [row["missed"] for row in found if row["case"] == "case0"] == [1, 1]


def test_an_optimizer_without_cases_is_said_to_have_none(runs, tmp_path):
    """It is not left out; whether its run is missing or diverged, the figure does not know."""
    one = pictures.BOXES["dice_by_class"]
    files = boxed(one, [run for run in runs if run.label == "GD"], tmp_path)
    assert texts(files[1]).count("1 of 1 without cases") == 2


def test_cases_are_chosen_by_their_mean_over_optimizers(runs):
    """Best, median and worst by the stated rule, whatever a single optimizer does."""
    means = {
        f"case{n}": statistics.fmean(s.dice for run in runs for s in run.scores if s.case == f"case{n}")
        for n in range(5)
    }
    order = sorted(means, key=means.get, reverse=True)
    shown = cases.choose(runs, SLICES)
    assert [(one.kind, one.name) for one in shown] == [("best", order[0]), ("median", order[2]), ("worst", order[4])]
    assert (order[0], order[4]) == ("case4", "case0")
    assert [one.position for one in shown] == [None] * 3


def test_of_a_volume_the_slice_with_most_of_the_structures_is_shown(runs):
    """A rule that no optimizer has a part in."""
    labels = SLICES.labels.copy()
    labels[[0, 1, 3, 4]] = 0
    volume = dataclasses.replace(SLICES, labels=labels, cases=np.array(["case0"] * 5))
    scores = [score for score in runs[0].scores if score.case == "case0"]
    (shown, *_) = cases.choose([dataclasses.replace(runs[0], scores=scores)], volume)
    assert (shown.row, shown.position) == (2, 2)


def test_every_pixel_is_of_one_kind():
    """Right, found in vain, not found, mixed up, or rightly background."""
    generator = np.random.default_rng(0)
    truth, found = generator.integers(0, 3, (2, 20, 20))
    kinds = cases.kinds(truth, found)
    counts = sum(mask.astype(int) for mask in kinds.values())
    assert np.array_equal(counts == 0, (truth == 0) & (found == 0))
    assert counts.max() == 1
    assert np.array_equal(kinds["wrong_class"] | kinds["true_positive"], (truth > 0) & (found > 0))


@pytest.fixture(scope="module")
def overlay(runs, tmp_path_factory):
    """The overlay of the worst case, of GD and of an optimizer without a prediction."""
    worst = cases.choose(runs, SLICES)[2]
    truth = SLICES.labels[worst.row]
    (gd,) = [run for run in runs if run.label == "GD"]
    found = gd.predictions[worst.row]
    image = SLICES.images[worst.row, ..., 0]
    tiles = pictures.Tiles(image, truth, {"GD": found}, ["GD", "CLMR"], tiny.CLASSES, 1.0)
    draw = functools.partial(pictures.draw_tiles, tiles=tiles)
    table = [cases.counted(worst, gd, truth, found)]
    return worst, drawing.drawn(draw, table, tmp_path_factory.mktemp("overlay"), "overlay_worst", STYLES)


def test_an_overlay_has_image_truth_and_a_tile_for_each_optimizer(overlay):
    """With its scores, or that it has no prediction, and what the colours mean."""
    _, files = overlay
    words = texts(files[1])
    assert [path.name for path in files] == [f"overlay_worst.{kind}" for kind in ("png", "svg", "csv")]
    names = ("Image", "Truth", "GD", "CLMR", "no prediction", "in the truth: grey matter")
    for word in (*names, "Dice 0.000, HD95 32.0 mm"):
        assert word in words
    assert any("false negative: a structure not found" in word for word in words)
    assert len(list(ET.parse(files[1]).iter(f"{SVG}image"))) == 3


def test_an_overlay_counts_its_pixels(overlay):
    """The CSV has what the colours show."""
    worst, files = overlay
    (row,) = from_csv(files[2].read_text(encoding="utf-8"))
    assert int(row["false_negative_pixels"]) == int((SLICES.labels[worst.row] > 0).sum())
    assert sum(int(value) for key, value in row.items() if key.endswith("_pixels")) == SLICES.labels[worst.row].size
    assert (row["case"], row["shown_as"], row["seed"]) == ("case0", "worst", "0")


def test_kinds_of_error_can_be_told_apart_in_grey():
    """False negatives are dark, false positives bright, and what is mixed up in between."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    grey = {kind: float(np.array(to_rgb(colour)) @ weights) for kind, (colour, _, _) in pictures.KINDS.items()}
    assert grey["false_negative"] + 0.2 < grey["wrong_class"] < grey["false_positive"] - 0.3


def test_structures_of_a_truth_differ_from_each_other():
    """As many colours as any of the data sets has structures."""
    assert len(set(pictures.STRUCTURES)) == len(pictures.STRUCTURES) >= 3
    assert {"msd_heart", "acdc"} <= set(datasets.CARDS)


def test_a_window_holds_all_that_is_marked_with_a_margin():
    """It never leaves the image, and an empty slice is shown whole."""
    inside = np.zeros((40, 30), bool)
    inside[0, 29] = inside[20, 10] = True
    assert pictures.around(inside) == (slice(0, 23), slice(8, 32))
    assert np.zeros((40, 30))[pictures.around(np.zeros((40, 30), bool))].shape == (40, 30)
