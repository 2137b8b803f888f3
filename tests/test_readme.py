"""The README says what the classes and the Makefile say."""

import re

import pytest

from tests import tables
from tests.tables import ROOT
from tfoptim.registry import FAMILIES, classes

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", tables.MADE, ids=lambda path: path.name)
def test_tables_of_optimizers_are_made_from_the_classes(path):
    """`make table` was run after the last change of an optimizer's arguments."""
    (_, written, _), *more = tables.PLACE.findall(path.read_text())
    assert written == tables.MADE[path]()
    assert not more


def test_every_optimizer_is_in_a_family():
    """And so in the tables."""
    assert {cls.family for cls in classes().values()} <= FAMILIES.keys()


def test_make_commands_are_targets():
    """Every `make` command of the README and of CONTRIBUTING.md exists."""
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"compare", "test"} <= named
    assert set() == named - targets


def test_links_within_the_repository_lead_somewhere():
    """To a heading of the page, or to a file."""
    headings = [re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in _headings()]
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", README)
    assert len(links) > 3
    missing = [link for link in links if link[1:] not in headings and not (ROOT / link.partition("#")[0]).is_file()]
    assert [] == missing


def _headings():
    return re.findall(r"^##+ (.+)$", README, flags=re.MULTILINE)
