"""The pages of results say what the committed tables say."""

import csv
import statistics
from collections import defaultdict

import pytest

from tests.tables import ROOT

SPARSE = ROOT / "static/sparse"
PAGE = " ".join((ROOT / "docs/results/sparse.md").read_text(encoding="utf-8").split())
ADAPTIVE = ("AdaGrad from 0", "Adam", "Adam lazy", "Ftrl")


def read(model, name):
    """A table of the sparse study."""
    with (SPARSE / f"spam_{model}-spam_assassin" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", ["linear", "embedding"])
def test_adaptive_rates_are_better_than_sgd_on_words(model):
    """The paper's AdaGrad first; that of Keras ties."""
    rows = read(model, "report")
    verdicts = {row["optimizer"]: row["verdict"] for row in rows}
    assert rows[0]["optimizer"] == "AdaGrad from 0"
    assert {label for label, verdict in verdicts.items() if verdict == "better"} == set(ADAPTIVE)
    assert verdicts["AdaGrad"] == "≈"


def test_the_gain_of_the_papers_adagrad_is_that_of_the_reports():
    """In points of accuracy."""
    gains = [-100 * float(read(model, "report")[0]["behind"]) for model in ("linear", "embedding")]
    assert f"better than SGD by {gains[0]:.2f} and {gains[1]:.2f} points" in PAGE


def test_adagrad_of_keras_ends_with_the_scores_of_sgd():
    """Of every seed, in the linear model."""
    scores = defaultdict(list)
    for row in read("linear", "scores"):
        scores[row["optimizer"]].append(row["score"])
    assert scores["AdaGrad"] == scores["SGD"]


def test_frequent_words_move_farther_by_what_the_page_says():
    """Between the ends of the bands, as the figure's title has it."""
    ends = {}
    for model in ("linear", "embedding"):
        moved = defaultdict(lambda: defaultdict(list))
        for row in read(model, "frequencies"):
            moved[row["optimizer"]][int(row["mails_from"])].append(float(row["update"]))
        ends[model] = {
            label: statistics.fmean(bands[max(bands)]) / statistics.fmean(bands[min(bands)])
            for label, bands in moved.items()
        }
    linear, embedding = ([ends[model][label] for label in ADAPTIVE] for model in ends)
    assert f"{min(linear):.1f} to {max(linear):.1f} times" in PAGE
    assert f"{min(embedding):.1f} to {max(embedding):.0f} times" in PAGE
    assert f"SGD {ends['linear']['SGD']:.0f} and {ends['embedding']['SGD']:.0f} times" in PAGE


MODERN = " ".join((ROOT / "docs/results/modern.md").read_text(encoding="utf-8").split())
PROBLEMS = {"digits": "mnist_orig-mnist_3500", "clothing": "fmnist_mlp-fashion_mnist"}


def rows_of(study, problem):
    """The result table of one of the studies of today's methods, by optimizer."""
    with (ROOT / "static" / study / PROBLEMS[problem] / "report.csv").open(newline="", encoding="utf-8") as file:
        return {row["optimizer"]: row for row in csv.DictReader(file)}


def points(study, problem, name):
    """By how many points an optimizer is better than AdamW, as the page writes it."""
    return f"{-100 * float(rows_of(study, problem)[name]['behind']):.1f}"


@pytest.mark.parametrize(
    ("problem", "better", "worse"),
    [
        ("digits", {"Muon", "SOAP"}, {"ScheduleFreeAdamW", "Lion", "Nesterov", "AdEMAMix"}),
        (
            "clothing",
            {"Muon", "SOAP", "Shampoo", "Kron", "ScheduleFreeAdamW", "MARS", "Adan"},
            {"Prodigy", "Nesterov"},
        ),
    ],
)
def test_todays_methods_are_better_or_worse_than_adamw_as_the_page_says(problem, better, worse):
    """All others tie."""
    verdicts = {name: row["verdict"].rstrip("†") for name, row in rows_of("modern", problem).items()}
    assert {name for name, verdict in verdicts.items() if verdict == "better"} == better
    assert {name for name, verdict in verdicts.items() if verdict == "worse"} == worse
    assert sorted({*verdicts.values()}) == ["better", "reference", "worse", "≈"]


def test_the_points_of_todays_methods_are_those_of_the_reports():
    """As the sentences of the page have them."""
    digits, clothing = ([points("modern", problem, name) for name in ("Muon", "SOAP")] for problem in PROBLEMS)
    said = f"by {digits[0]} and {digits[1]} points on digits, and by {clothing[0]} and {clothing[1]} points on clothing"
    assert said in MODERN
    shampoo, kron = (points("modern", "clothing", name) for name in ("Shampoo", "Kron"))
    assert f"Shampoo and Kron are better on clothing, by {shampoo} and {kron} points" in MODERN
    others = [points("modern", "clothing", name) for name in ("ScheduleFreeAdamW", "MARS", "Adan")]
    assert f"better on clothing, by {others[0]}, {others[1]} and {others[2]} points" in MODERN


def test_the_points_of_methods_that_are_not_tuned_are_those_of_the_reports():
    """With their verdicts."""
    tables = {problem: rows_of("modern_self_tuning", problem) for problem in PROBLEMS}
    free = [points("modern_self_tuning", problem, "ScheduleFreeAdamW") for problem in PROBLEMS]
    assert f"is better than AdamW at 0.001 on both problems, by {free[0]} and {free[1]} points" in MODERN
    assert [tables[problem]["Prodigy"]["verdict"] for problem in PROBLEMS] == ["better", "≈"]
    assert f"Prodigy is better on digits, by {points('modern_self_tuning', 'digits', 'Prodigy')}, and ties" in MODERN
    assert {round(100 * float(table["DoG"]["behind"])) for table in tables.values()} == {18}
