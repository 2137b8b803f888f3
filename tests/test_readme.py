"""The README says what the classes, the Makefile and measured files say."""

import collections
import contextlib
import csv
import io
import re

import pytest

import tfoptim
from experiments.checks.benchmark.subjects import RULES, SETS
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
    tied = [digits[name] for name in ("Adam", "Momentum", "Adamax")]
    assert f"Adam, Momentum and Adamax end between {min(tied)} and {max(tied)} mean test accuracy" in WORDS
    sgd, adagrad, gd = (digits[name] for name in ("SGD", "AdaGrad", "GD"))
    assert f"SGD ({sgd}), AdaGrad ({adagrad}) and GD with one step an epoch ({gd}) are worse." in WORDS
    verdicts = {row["optimizer"]: row["verdict"] for row in _rows("static/report.csv")}
    assert verdicts == {
        "Adam": "best mean", **dict.fromkeys(("Momentum", "Adamax"), "≈"),
        **dict.fromkeys(("SGD", "AdaGrad", "GD"), "worse"),
    }  # fmt: skip
    patients = _means("static/hippocampus/report.csv", "test_dice_mean")
    best = max(patients, key=patients.get)
    assert f"{best} has the best mean test Dice, {patients[best]}" in WORDS


def test_the_verdict_on_cyclic_rates_is_that_of_the_report():
    """Every difference and its interval."""
    (sentence,) = re.findall(r"Cyclic rates and momenta .*?\. ", WORDS)
    told = (ROOT / "static/hippocampus/report.md").read_text().replace("\\[", "[")
    found = re.findall(r"-?\d\.\d+ \[-?\d\.\d+, -?\d\.\d+\]", sentence)
    assert len(found) >= 2
    assert [] == [one for one in found if one not in told]


def _means(path, column):
    return {row["optimizer"]: f"{float(row[column]):.3f}" for row in _rows(path)}


def _rows(path):
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_speeds_are_those_of_the_benchmark():
    """Of steps in a compiled loop, ours with the native operation and without it, Keras's and torch's."""
    with (ROOT / "static/speed.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keras = {RULES[row["rule"]].title: float(row["keras-loop"]) for row in rows}
    plain = {RULES[row["rule"]].title: float(row["keras-loop"]) / float(row["ours-loop"]) for row in rows}
    torch = {RULES[row["rule"]].title: float(row["torch-fused"]) for row in rows if row["torch-fused"]}
    assert f"Keras's step takes {_ends(keras)} times as long as ours" in WORDS
    assert f"{_ends(plain)} times without it" in WORDS
    assert f"torch's fused step, called from Python, takes {_ends(torch)} times" in WORDS


def _ends(ratios):
    first, last = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
    return f"{ratios[first]:.1f} ({first}) to {ratios[last]:.1f} ({last})"


def test_both_directions_of_speed_are_those_of_the_benchmark():
    """What is faster with Keras or torch is said, too: every single call, and the slowest loop against torch."""
    found, plain = (_ratios("keras", ours) for ours in ("native", "ours"))
    muon = [found.pop(pair) for pair in list(found) if pair[0] == "muon"]  # the two do not compute the same
    assert max(muon) < 0.5
    assert "and by far with Muon, whose convolutions it leaves to Adam" in WORDS
    faster, without = ([of[pair] for pair in found if of[pair] < 1] for of in (found, plain))
    assert (
        f"Keras is faster in {len(faster)} of {len(found)} single steps, by up to {_percent(min(faster))} % "
        f"(without the native operation in {len(without)}, by up to {_percent(min(without))} %)"
    ) in WORDS
    assert f"1 M rows, Keras's AdaGrad takes {found['adagrad', 'table']:.0f} times as long" in WORDS
    looped, called = (_ratios("torch-fused", ours) for ours in ("native-loop", "native"))
    rule, name = least = min(looped, key=looped.get)
    assert (
        f"torch is faster than our loop in {sum(ratio < 1 for ratio in looped.values())} of {len(looped)} pairs, by "
        f"up to {_percent(looped[least])} % ({RULES[rule].title} on {SETS[name].title}), and in "
        f"{sum(ratio < 1 for ratio in called.values())} of {len(called)} when called from Python"
    ) in WORDS


def _ratios(contender, ours):
    """Time of a contender over that of another one, by rule and variables."""
    times = collections.defaultdict(dict)
    with (ROOT / "static/benchmark.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["median_ms"]:
                times[row["rule"], row["set"]][row["contender"]] = float(row["median_ms"])
    return {pair: of[contender] / of[ours] for pair, of in times.items() if contender in of and ours in of}


def _percent(ratio):
    return round(100 * (1 - ratio))


def test_speed_of_training_is_that_of_the_benchmark():
    """Of `fit` as a whole, in which the step is a part."""
    with (ROOT / "static/benchmark_fit.csv").open(newline="") as file:
        fit = {row["model"]: float(row["ratio"]) for row in csv.DictReader(file)}
    assert (
        f"`fit` of an MLP makes {fit['MLP']:.2f} times as many steps a second as with Keras's Adam, of a U-Net "
        f"{fit['U-Net']:.2f}"
    ) in WORDS
