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
