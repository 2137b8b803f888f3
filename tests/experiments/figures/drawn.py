"""Figures for tests: one caption, the looks of the small study, and what an SVG says."""

import xml.etree.ElementTree as ET

from experiments.figures import canvas
from experiments.figures.canvas import Caption, Context
from experiments.report import gallery
from experiments.report.captions import say
from tests.experiments.evidence import result, study

CAPTION = Caption(
    "A title", ("what it <shows>",), ("study small", "drawn by: python -m experiments"), "In words & more"
)
STYLES = {entry.label: entry.style for entry in study().optimizers}
SVG = "{http://www.w3.org/2000/svg}"


def drawn(draw, rows, folder, slug="figure", styles=STYLES, score="accuracy", step=0.002, best=()):
    """The files of a figure."""
    return canvas.write(draw, rows, Context(CAPTION, styles, score, step, best=best), folder, slug)


def texts(path):
    """All words in an SVG."""
    return [element.text for element in ET.parse(path).iter(f"{SVG}text")]


def words(*drawing, **how):
    """All words of a figure."""
    return texts(drawn(*drawing, **how)[1])


def facts(whole):
    """What the figures of a study are drawn from, of which everything may be claimed."""
    return gallery.Facts(whole, result(whole))


def reading(name, whole, rows=()):
    """How to read a figure of a study."""
    return say("problem", name, "how", facts(whole), rows)


def figures(whole, folder, **how):
    """All figures of a study, as the report shows them."""
    return gallery.draw(whole, result(whole), folder, STYLES, **how)
