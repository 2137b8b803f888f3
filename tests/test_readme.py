"""The README says what the classes and the Makefile say."""

import re
from pathlib import Path

from tfoptim.registry import table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_table_of_optimizers_is_the_one_made_from_the_classes():
    """`make table` was run after the last change of an optimizer's arguments."""
    (written,) = re.findall(r"<!-- from the classes[^\n]*\n(.*?)<!-- end of the table", README, flags=re.DOTALL)
    assert table() == written


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
