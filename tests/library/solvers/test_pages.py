"""Full-batch fitting and the survey name classes that exist; the examples of all pages run by pytest."""

import re

import pytest

import tfoptim
from tests.tables import ROOT

SURVEY = (ROOT / "docs/use/survey.md").read_text()
SOLVERS = (ROOT / "docs/use/recipes/full-batch.md").read_text()
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) ?\|$", SURVEY, flags=re.MULTILINE)[1:]


def names(text):
    """Names of tfoptim in a text."""
    return re.findall(r"`tfoptim\.((?:[a-z]\w*\.)?\w+)", text)


def has(name):
    """Whether tfoptim has a name, also one of a module of it."""
    place = tfoptim
    for part in name.split("."):
        place = getattr(place, part, None)
    return place is not None


@pytest.mark.parametrize("page", [SURVEY, SOLVERS], ids=["survey", "solvers"])
def test_every_class_of_a_page_exists(page):
    """In tfoptim, or in its solvers."""
    assert [name for name in names(page) if not has(name)] == []


def test_every_method_of_the_survey_has_a_class_or_the_reason_why_not():
    """Fourteen, says its abstract, and their variants."""
    assert len(ROWS) >= 14
    assert [] == [method for method, here, note in ROWS if not names(here) and not (here == "none" and note.strip())]


def test_every_solver_is_on_the_page_of_solvers():
    """The table of methods is complete."""
    methods = {name for name in tfoptim.solvers.__all__ if _is_method(getattr(tfoptim.solvers, name))}
    assert methods - {"Method"} <= {name.rpartition(".")[2] for name in names(SOLVERS)}


def _is_method(value):
    return isinstance(value, type) and issubclass(value, tfoptim.solvers.Method)
