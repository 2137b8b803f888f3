"""What makes figures readable for everybody: section 6 of the protocol, each point a test."""

import dataclasses
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib import colors, image
from matplotlib.figure import Figure

from experiments import studies
from experiments.analysis.overview import Overview
from experiments.figures import canvas, column, looks, scales
from experiments.report import gallery, summary
from experiments.report.declared import Figure as Declared
from experiments.studies import Style
from tests.experiments.analysis.test_cost_rows import TIMED, known
from tests.experiments.evidence import THREE, evidence, result
from tests.experiments.figures.drawn import STYLES, SVG, figures
from tests.experiments.figures.test_curve_figures import over, rows
from tests.experiments.figures.test_figures import luminance
from tests.experiments.figures.test_frequency_figures import with_words

pytestmark = pytest.mark.slow  # draws every figure

COLUMN = 8  # points, the smallest letters at the width that figures are drawn for
SMALL = 7  # of numbers in the cells of heat maps, which the table beside them says larger
HEADLINES = ("scores", "test_error", "learning_rates_relative")
HEAT = ("scores_by_seed", "chances", "overview")
OKABE_ITO = {
    "#000000": 21.0, "#0072B2": 5.19, "#D55E00": 3.87, "#009E73": 3.42, "#CC79A7": 3.06,
    "#56B4E9": 2.31, "#E69F00": 2.25, "#F0E442": 1.32,
}  # fmt: skip


def contrast(color, paper="#FFFFFF"):
    """How much a colour differs from the paper, from 1 to 21."""
    one, other = sorted((luminance(color), luminance(paper)))
    return (other + 0.05) / (one + 0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every figure that is declared, drawn once: of a study, and of eight problems; by the names of their files."""
    folder = tmp_path_factory.mktemp("accessible")
    whole = with_words(dataclasses.replace(TIMED, target=0.9, costs=known().costs), folder)
    eight = Overview([evidence(THREE, target=0.9)] * 8, [result(evidence(THREE))] * 8)
    over_all = summary.figures(eight, STYLES, "Eight problems", folder / "over")
    shown = [*figures(whole, folder / "one"), *over_all]
    return {f"{path.parent.name}/{one.slug}": one.files for one in shown if one.files for path in one.files[:1]}


def svgs(made):
    """The name, the text and the root of each figure."""
    for name, (_, svg, _) in made.items():
        yield name.partition("/")[2], svg.read_text(encoding="utf-8"), ET.parse(svg).getroot()


@pytest.mark.slow
def test_every_declared_figure_is_looked_at(made):
    """Of one problem, and of several; learning curves and tuned hyperparameters among them."""
    declared = [one.slug for one in gallery.FIGURES if isinstance(one, Declared)]
    families = ["loss", "test_error", "train_accuracy", "test_accuracy", "learning_rates", "learning_rates_relative"]
    assert {*declared, *families} <= {name.partition("/")[2] for name in made}
    assert {f"over/{one.slug}" for one in summary.FIGURES} <= set(made)
    assert all(path.exists() for files in made.values() for path in files)


@pytest.mark.slow
def test_letters_have_eight_points_at_column_width(made):
    """The SVG says their sizes in its own pixels, 72 an inch: for a column, or for a width of nine inches."""
    for name, text, root in svgs(made):
        narrow = name in HEADLINES or (name.startswith(("loss", "t")) and not name.startswith("ti"))
        assert root.get("width") == f"{column.WIDTH if narrow else canvas.WIDTH * 72:g}pt", name
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: [^;\"']*?([0-9.]+)px", text)]
        assert min(sizes) >= (SMALL if name in HEAT else COLUMN), name


def test_words_stay_words_and_are_told_to_those_who_cannot_see(made):
    """Text is text in the SVG, with a title and a description first; no label is a drawing of letters."""
    for name, _, root in svgs(made):
        title, description = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
        assert root.get("role") == "img"
        assert description.startswith(f"{title}. "), name
        assert any("Adam" in (element.text or "") for element in root.iter(f"{SVG}text")), name


def test_lines_are_named_at_their_ends_and_not_in_a_legend(made):
    """Direct labels, in no box that eyes have to travel to; parts of a bar, which are no optimizers, have one."""
    assert [name for name, text, _ in svgs(made) if 'id="legend' in text] == ["spent"]


def test_an_optimizer_has_the_same_colour_in_all_figures(made):
    """The study's table says which, whatever the order of drawing; cells of heat maps stand for numbers instead."""
    own = {style.color.lower() for style in STYLES.values()}
    for name, text, _ in svgs(made):
        used = {color for color in re.findall("#[0-9a-f]{6}", text.lower()) if not _grey(color)}
        assert name in HEAT or used <= own, name


def _grey(color):
    """Whether a colour is none: what is no optimizer's is drawn in greys."""
    channels = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return max(channels) == min(channels)


def test_nothing_is_told_by_colour_alone(made):
    """Rendered in greys, each figure still has as many looks: line and marker differ, and names are written."""
    for name, (png, _, _) in made.items():
        grey = image.imread(png)[..., :3] @ [0.2126, 0.7152, 0.0722]
        assert grey.min() < 0.5, name  # something is dark on
        assert grey.max() == 1.0, name  # white paper
    for one, other in itertools.combinations(STYLES.values(), 2):
        assert (one.line, one.marker) != (other.line, other.marker)


@pytest.mark.parametrize(("color", "expected"), OKABE_ITO.items())
def test_contrasts_are_those_of_okabe_and_itos_colours(color, expected):
    """The measure that studies are held to gives the protocol's numbers; five of eight can be lines."""
    assert contrast(color) == pytest.approx(expected, abs=0.01)  # they are given with two digits
    assert (contrast(color) >= 3) == (color not in ("#56B4E9", "#E69F00", "#F0E442"))


def test_words_and_hairlines_have_contrast_too():
    """Text 4.5 to 1, as the guidelines ask, and grey lines 3 to 1."""
    assert all(contrast(color) >= 4.5 for color in (canvas.INK, canvas.QUIET))
    assert contrast(looks.FAINT) >= 3


@pytest.mark.parametrize("name", studies.names())
def test_styles_can_be_told_apart_in_grey_and_by_their_lines(name):
    """No two optimizers of a study share marker and line style; more lines than there are styles differ in markers."""
    styles = [entry.style for entry in studies.declared(studies.find(name)).optimizers]
    for one, other in itertools.combinations(styles, 2):
        assert (one.line, one.marker) != (other.line, other.marker)


def eleven():
    """As many looks as the largest study has."""
    markers, lines = "osv^Dp*<>hX", [*canvas.DASHES] * 2
    return {f"O{i}": Style(colors.to_hex(f"C{i % 10}"), lines[i], markers[i]) for i in range(11)}


@pytest.mark.parametrize(
    ("kept", "expected"), [((), "O0 O1 O2 O3 O4"), (("O10",), "O0 O1 O2 O3 O10"), (("GD",), "O0 O1 O2 O3 O4")]
)
def test_of_many_lines_five_are_lit_and_the_rest_are_grey_hairlines(kept, expected):
    """The best four and the one that is kept, else five; marker and line style stay, so that all can be told apart."""
    styles = eleven()
    seen = looks.looks({label: -int(label[1:]) for label in styles}, styles, kept)
    lit = [label for label, look in seen.items() if look["color"] != looks.FAINT]
    assert lit == expected.split()
    assert all(look["linewidth"] < 1 for label, look in seen.items() if label not in lit)
    assert all(look["marker"] == styles[label].marker for label, look in seen.items())


def test_curves_of_many_optimizers_light_those_that_end_best(tmp_path):
    """Grey ones have labels as well, all apart and none over the footer."""
    styles = eleven()
    table = [row for i, label in enumerate(styles) for row in rows(label, (0.01 + 0.0004 * i, 0.0105 + 0.0004 * i))]
    svg = over(table, tmp_path, styles=styles)[1]
    text = svg.read_text(encoding="utf-8")
    assert looks.FAINT.lower() in text.lower()
    assert styles["O0"].color in text
    places = [
        float(element.get("transform", "").split()[1].rstrip(")"))
        for element in ET.parse(svg).iter(f"{SVG}text")
        if re.match(r"O\d+  ", element.text or "") and "translate" in element.get("transform", "")
    ] or [
        float(element.get("y"))
        for element in ET.parse(svg).iter(f"{SVG}text")
        if re.match(r"O\d+  ", element.text or "")
    ]
    assert len(places) == 11
    assert min(np.diff(sorted(places))) > column.LETTERS  # points: letters do not touch
    root = ET.parse(svg).getroot()
    assert max(places) < float(root.get("height").removesuffix("pt")) - column.FOOT


def test_labels_stay_between_ceiling_and_floor():
    """Whatever is pushed; where both cannot be, the floor counts, and labels go above."""
    assert looks.apart([0.0, 0.01, 0.02], 0.1, 1.0, 0.0) == [0.0, 0.1, 0.2]
    assert looks.apart([0.99, 1.0], 0.1, 1.0, 0.0) == [0.9, 1.0]
    assert looks.apart([0.5, 0.5, 0.5], 1.0, 1.0, 0.0) == [0.0, 1.0, 2.0]


def test_an_axis_whose_ends_were_moved_has_ticks_enough():
    """Lines make an axis end with them: 10 and 100 are outside then, and 30 is left alone."""
    (axes,) = Figure().subplots(1, 1, squeeze=False).flat
    scales.error_scale(axes.yaxis, [11.2, 94.9], 0.0, always=True)
    assert axes.get_yticks().tolist() == [10, 30, 100]
    scales.refresh(axes.yaxis)
    assert axes.get_yticks().tolist() == [10, 30, 100]
    axes.set_ylim(10.4, 99)
    scales.refresh(axes.yaxis)
    assert axes.get_yticks().tolist() == [20, 30, 50, 70]


@pytest.mark.parametrize("values", [(0.77, 0.88), (0.9, 0.905), (0.1, 0.99), (0.998, 0.9995), (0.42, 0.47)])
def test_an_axis_of_scores_has_ticks_enough_to_read_it(values):
    """Three at least, and no more than have room."""
    (axes,) = Figure().subplots(1, 1, squeeze=False).flat
    scales.score_scale(axes.xaxis, values, higher_is_better=True)
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert 3 <= len(shown) <= scales.TICKS
