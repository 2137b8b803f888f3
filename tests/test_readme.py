"""The README says what the classes, the Makefile and measured files say."""

import contextlib
import csv
import io
import re

import pytest

import tfoptim
from tests import tables
from tests.tables import ROOT
from tfoptim.registry import FAMILIES, classes

README = (ROOT / "README.md").read_text()
WORDS = " ".join(README.split())
DIFFERENCES = (ROOT / "docs/migrate/keras-differences.md").read_text()
MOST_WORDS = 1200  # outside of code


@pytest.mark.parametrize("path", tables.MADE, ids=lambda path: path.name)
def test_tables_of_optimizers_are_made_from_the_classes(path):
    """`make table` was run after the last change of an optimizer's arguments."""
    (_, written, _), *more = tables.PLACE.findall(path.read_text())
    assert written == tables.MADE[path]()
    assert not more


def test_text_for_the_package_index_is_the_readme_without_dead_links():
    """`make table` writes it."""
    text = tables.PYPI.read_text()
    assert text == tables.linkless(README)
    assert [] == re.findall(r"\]\((?!https?:)", text)


def test_every_optimizer_is_in_a_family():
    """And so in the tables."""
    assert {cls.family for cls in classes().values()} <= FAMILIES.keys()


def test_make_commands_are_targets():
    """Every `make` command of the README, of CONTRIBUTING.md and of the site exists."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"compare", "test", "docs"} <= named
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


def test_it_is_short():
    """One screen, and what a newcomer needs next."""
    assert len(re.sub(r"```.*?```", "", README, flags=re.DOTALL).split()) <= MOST_WORDS


def test_first_program_prints_what_the_readme_says():
    """By copy and paste."""
    program, printed = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL).groups()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(program, {})  # noqa: S102  the README is ours
    assert out.getvalue() == printed


def test_calls_of_the_table_work(tmp_path, monkeypatch):
    """What the right column says to write, but for the call that needs a model."""
    monkeypatch.chdir(tmp_path)
    table = README.split("| you want | you write |")[1].split("\n\n")[0].replace("\\|", "|")
    calls = [call for call in re.findall(r"`(tfoptim\.[^`]+)`", table) if "model" not in call]
    assert len(calls) > 7
    for call in calls:
        assert eval(call, {"tfoptim": tfoptim}) is not None  # noqa: S307  the README is ours


def test_rows_of_differences_are_measured_ones():
    """They stand in the page that `python -m experiments conformance` writes."""
    table = README.split("## What Keras does otherwise")[1].split("\n\n")[1].splitlines()[2:]
    assert len(table) == 4
    assert [] == [row for row in table if row.removesuffix("|") not in DIFFERENCES]


def test_scores_are_those_of_the_reports():
    """Rounded to three digits."""
    digits = _means("static/report.csv", "test_accuracy_mean")
    tied = [digits[name] for name in ("Adam", "Adamax", "Momentum")]
    assert f"between {min(tied)} and {max(tied)} mean test accuracy" in WORDS
    assert digits["SGD"] == digits["AdaGrad"]
    assert f"SGD and AdaGrad end at {digits['SGD']}; GD, with one step an epoch, at {digits['GD']}." in WORDS
    brain = _means("static/mni152/report.csv", "test_dice_mean")
    assert max(brain.values()) == brain["AdamW"]
    assert f"AdamW has the best mean test Dice, {brain['AdamW']}" in WORDS
    assert f"three seeds cannot carry {len(brain) * (len(brain) - 1) // 2} comparisons" in WORDS


def _means(path, column):
    with (ROOT / path).open() as file:
        return {row["optimizer"]: f"{float(row[column]):.3f}" for row in csv.DictReader(file)}


def test_speeds_are_those_of_the_benchmark():
    """The range of geometric means, the large table, the small one, and torch."""
    text = (ROOT / "static/benchmark.md").read_text()
    rows = re.findall(
        r"^\| ([\w ]+) \| (\d.*) \|$",
        text.split("## Keras's time over ours, graph mode")[1].split("##")[0],
        re.MULTILINE,
    )
    cells = {name: row.split(" | ") for name, row in rows}
    means = {name: float(row[-1]) for name, row in cells.items() if row[-1] != "-"}
    low, high = min(means, key=means.get), max(means, key=means.get)
    assert f"takes {means[low]:.2f} ({low}) to {means[high]:.2f} ({high}) times as long as ours" in WORDS
    assert f"1 M rows {float(cells['AdaGrad'][5].split()[0]):.0f} times (AdaGrad)" in WORDS
    assert cells["SGD"][6].startswith("0.75 ")
    assert "SGD is faster than ours, by a quarter" in WORDS
    torch = [
        float(number)
        for number in re.findall(r"([\d.]+) times on", text.split("torch's fused Adam is faster than ours")[1])
    ]
    assert f"faster than ours by {min(torch)} to {max(torch)} times" in WORDS
