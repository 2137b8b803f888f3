"""Figures say what they show and can be read by everybody; their numbers are in a file beside them."""

import itertools
import math
import textwrap

import numpy as np
import pytest
from matplotlib import image
from matplotlib.textpath import TextPath

from experiments import studies
from experiments.analysis.curves import curves_of
from experiments.figures import canvas, column, looks
from experiments.problems import tasks
from experiments.studies.forms import MARKERS
from experiments.text import from_csv
from tests.experiments.figures.drawn import texts
from tests.experiments.figures.test_curve_figures import LOSS, drawn_of
from tests.experiments.small import record

CURVES = curves_of(tasks.get("mnist_mlp"))
SHARP = canvas.DPI  # of a report, before tests make it coarse


def found(gd=((0.1, 0.5, 0.6), (0.1, 0.4, 0.5)), adam=((0.1, 0.9, 0.95), (0.1, 0.8, 0.99))):
    """Records of two seeds of two optimizers."""
    pairs = [("GD", gd), ("Adam", adam)]
    return [record(label, curve, seed=seed) for label, curves in pairs for seed, curve in enumerate(curves)]


@pytest.fixture(scope="module", params=CURVES, ids=lambda curve: curve.slug)
def files(request, tmp_path_factory):
    """Each figure of curves, drawn once."""
    return drawn_of(found(), tmp_path_factory.mktemp("figures"), request.param)


def test_a_figure_is_png_and_svg_and_csv(files):
    """A picture for the page, one that scales, and the numbers."""
    assert [path.suffix for path in files] == [".png", ".svg", ".csv"]
    assert len({path.stem for path in files}) == 1


def test_png_has_at_least_200_dots_an_inch(tmp_path, monkeypatch):
    """It stays sharp in print."""
    monkeypatch.setattr(canvas, "DPI", SHARP)
    assert image.imread(drawn_of(found(), tmp_path, LOSS)[0]).shape[1] >= 200 * column.WIDTH / 72


def test_svg_keeps_its_words_as_text(files):
    """They can be searched, selected and read aloud: title, axes with units, labels with final values."""
    words = " ".join(texts(files[1]))
    for word in ("A title", "what it <shows>", "epochs", "drawn by: python", "Adam  "):
        assert word in words


def test_numbers_name_their_study_data_and_model(files):
    """A file that is moved about still says what it is."""
    rows = from_csv(files[2].read_text(encoding="utf-8"))
    assert {(row["data"], row["model"]) for row in rows} == {("mnist_5k", "mnist_mlp")}
    assert len({row["study"] for row in rows}) == 1
    assert len(rows) == 2 * 2 * 3


def test_a_diverged_run_is_drawn_as_far_as_it_went(tmp_path):
    """It is marked and named, not left out."""
    files = drawn_of(found(adam=((0.1, 0.9, 0.95), (0.1, math.nan))), tmp_path, LOSS)
    assert "Adam  diverged" in texts(files[1])


def test_a_perfect_accuracy_can_be_shown(tmp_path):
    """An axis that is logarithmic in the share of errors has a place for none."""
    files = drawn_of(found(adam=((0.1, 1.0, 1.0), (0.1, 1.0, 1.0))), tmp_path, CURVES[0])
    assert "Adam  1.000" in texts(files[1])
    assert "1" in texts(files[1])


def test_a_caption_is_never_wider_than_its_figure():
    """Capital letters and digits take more room than others; what fits is broken by the number of letters alone."""
    wide, narrow = "RMSprop 0.003162, " * 12, "a little line of small letters " * 9
    room = canvas.WIDTH * 72
    for part in canvas.wrapped((wide, narrow)):
        assert TextPath((0, 0), part, size=canvas.CAPTION).get_extents().width < room
    assert canvas.wrapped((narrow,)) == textwrap.wrap(narrow, canvas.LETTERS)
    assert " ".join(canvas.wrapped((wide,))) == wide.strip()


def test_labels_are_moved_apart_as_little_as_possible():
    """They keep their order, and those with room stay where they are."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        places = generator.uniform(0, 1, 6).tolist()
        moved = looks.apart(places, 0.1)
        order = np.argsort(places)
        assert all(np.diff(np.array(moved)[order]) >= 0.1 - 1e-6)
        assert sum(moved) == pytest.approx(sum(places))
    assert looks.apart([0.5, 0.1], 0.1) == [0.5, 0.1]


def luminance(color):
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", studies.names())
def test_every_line_has_enough_contrast_and_differs_from_all_others_without_its_colour(name):
    """At least 3 to 1 on white; no two optimizers share line and marker, so that nothing is told by colour alone."""
    styles = [entry.style for entry in studies.declared(studies.find(name)).optimizers]
    for style in styles:
        assert 1.05 / (luminance(style.color) + 0.05) >= 3, style
    for one, other in itertools.combinations(styles, 2):
        assert one.marker != other.marker or (len(styles) > len(MARKERS) and one.line != other.line)
        assert one.color != other.color
