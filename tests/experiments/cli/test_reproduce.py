"""What is known is set beside what was found: published means, and minima; and one table is made for real."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.analysis import references
from experiments.analysis.references import PUBLISHED
from experiments.problems import tasks
from experiments.problems.functions import FUNCTIONS
from experiments.problems.tasks.points import CLASSICAL
from experiments.text import from_csv
from tests.experiments.deepobs import CORRECT, LOSSES
from tests.experiments.small import record
from tests.experiments.tiny import Inline

QUADRATIC = tasks.get("deepobs_quadratic_deep")


def run_of(label, curve, seed=42, task="deepobs_quadratic_deep"):
    """A record of a run with a curve of test losses; NaN at its end makes it a diverged one."""
    made = record("Adam", (0.1, math.nan if math.isnan(curve[-1]) else 0.9))
    rows = tuple({"epoch": i, "example_gradients": 20 * i, "test_loss": loss} for i, loss in enumerate(curve))
    run = dataclasses.replace(made.run, task=task, label=label, seed=seed)
    return dataclasses.replace(made, run=run, evaluations=rows)


def ten(label, ends, first=353.44677):
    """Ten records that end where they are told to."""
    return [run_of(label, (first, end), seed) for seed, end in enumerate(ends, 42)]


def test_published_numbers_are_those_of_the_raw_runs():
    """Mean and standard deviation, to the digits published."""
    known = PUBLISHED["deepobs_quadratic_deep"].results
    for label, losses in LOSSES.items():
        assert known[label] == (round(np.mean(losses), 3), round(np.std(losses, ddof=1), 3))
    known = PUBLISHED["deepobs_fmnist_2c2d"].results
    for label, correct in CORRECT["F-MNIST"].items():
        share = np.array(correct) / 9984
        assert known[label] == (round(share.mean(), 4), round(share.std(ddof=1), 4))


def test_the_raw_runs_agree_with_what_is_published_of_them():
    """They are the same runs."""
    rows = references.beside(QUADRATIC, [r for label in LOSSES for r in ten(label, LOSSES[label])])
    assert [(row.optimizer, row.runs, row.agrees) for row in rows] == [("Momentum", 10, True), ("Adam", 10, True)]
    assert all(row.p > 0.9 for row in rows)


@pytest.mark.parametrize(
    "found",
    [
        ten("Momentum", LOSSES["Adam"]),  # another mean
        ten("Momentum", [*LOSSES["Momentum"][:-1], math.nan]),  # one diverged
        ten("Momentum", LOSSES["Momentum"], first=353.926),  # on other test rows
        ten("Momentum", [88.0] * 10),
    ],
    ids=["mean", "diverged", "start", "constant"],
)
def test_what_differs_is_told(found):
    """In its row."""
    (row,) = references.beside(QUADRATIC, found)
    assert not row.agrees
    assert "| NO |" in "\n".join(references.published_markdown([row], "test loss"))


def test_known_test_is_welchs():
    """The p values known of the raw runs, from their means and deviations alone; no spread at all is no fault."""

    def told(values):
        return float(np.mean(values)), float(np.std(values, ddof=1)), 10

    known = {
        ("F-MNIST", "Adam", "SGD"): 0.5377,
        ("F-MNIST", "Adam", "Momentum"): 0.1035,
        ("F-MNIST", "Momentum", "SGD"): 0.1660,
        ("CIFAR-10", "Adam", "SGD"): 0.0245,
        ("CIFAR-10", "Adam", "Momentum"): 0.1564,
        ("CIFAR-10", "Momentum", "SGD"): 0.1273,
    }
    for (problem, one, other), expected in known.items():
        shares = (told(np.array(CORRECT[problem][label]) / 9984) for label in (one, other))
        assert references._welch(*shares) == pytest.approx(expected, abs=5.1e-5)  # the digits known
    assert references._welch(told(LOSSES["Momentum"]), told(LOSSES["Adam"])) == pytest.approx(9.7e-6, rel=0.01)
    assert references._welch((1.0, 0.0, 10), (1.0, 0.0, 10)) == 1


@pytest.mark.parametrize(("away", "agrees"), [(3.2, True), (3.3, False), (-3.3, False), (math.nan, False)])
def test_a_single_run_may_be_one_of_those_published(away, agrees):
    """Known answer: at 1 %, 3.2498 standard errors of a single run, from Student's t with nine degrees of freedom."""
    mean, sd = PUBLISHED["deepobs_quadratic_deep"].results["Momentum"]
    end = mean + away * sd * math.sqrt(1.1)
    (row,) = references.beside(QUADRATIC, [run_of("Momentum", (353.44677, end))])
    assert (row.runs, row.agrees) == (1, agrees)
    text = "\n".join(references.published_markdown([row], "test loss"))
    assert ("Of a single run: Student's" in text, f"| {end:.5g} (1) |" in text) == (True, True)


def test_a_test_function_is_solved_from_some_starts():
    """A millionth of the way counts; the median over all starts is infinite when half of them miss."""
    curves = {0: (4.0, 1.0, 3e-6), 1: (4.0, 1e-6, 1e-9), 2: (4.0, 3.0, 3.0), CLASSICAL: (24.2, 24.2, math.nan)}
    found = [run_of("Adam", curve, seed, "rosenbrock") for seed, curve in curves.items()]
    (row,) = references.outcomes(["Adam"], found)
    assert (row.starts, row.solved, row.classical) == (4, 2, False)
    assert math.isinf(row.gradients)
    assert row.excess == pytest.approx((3e-6 + 3.0) / 2)
    (row,) = references.outcomes(["Adam"], found[:3])
    assert (row.solved, row.classical, row.gradients) == (2, None, 40.0)
    assert references.minima_markdown([row])[-1] == references.LABEL


def test_cost_is_counted_from_the_first_evaluation_that_solved_it():
    """In gradients."""
    function = FUNCTIONS["rosenbrock"]
    assert references.cost(function, run_of("Adam", (4.0, 1e-6, 1e-9), 0, "rosenbrock")) == 20


def test_a_study_without_known_results_is_refused(capsys):
    """Before anything is trained; those with some are named."""
    assert main(["reproduce", "mnist"]) == 2
    assert "The problem mnist_orig has no known results; studies that have some: deepobs" in capsys.readouterr().err


@pytest.mark.slow
def test_the_published_momentum_comes_out(tmp_path, monkeypatch, capsys):
    """Ten seeds of 100 passes on the quadratic, trained here: within Welch's test of 87.045 ± .025."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.running.engines.make", lambda *arguments: Inline())
    assert main(["reproduce", "deepobs_quadratic", "--optimizers", "Momentum", "--out", "made"]) == 0
    written = (tmp_path / "made" / "reproduction.md").read_text(encoding="utf-8")
    assert re.search(r"^\| Momentum \| 87\.0\d+ ± 0\.0\d+ \(10\) \| 87\.045 ± 0\.025 \| .* \| yes \|$", written, re.M)
    assert written in capsys.readouterr().out


TOYS = """
schema = 2
title = "A tiny study of a function"
task = "tf_guide"
data = "tf_guide"
epochs = 10
batch_size = 1
micro_batch = 20
budget = "smoke"
seeds = [0, 20]
figures = "figures"

[[optimizers]]
label = "SGD"
optimizer = "sgd"
batch = "mini"
default_learning_rate = 0.01
style = { color = "#000000", line = "dashed", marker = "s" }
"""


@pytest.mark.slow
def test_a_function_is_tuned_and_told_of(tmp_path, monkeypatch, capsys):
    """By its loss, from random starts; then the table says from how many starts it was solved, as an illustration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.running.engines.make", lambda *arguments: Inline())
    (tmp_path / "toys.toml").write_text(TOYS, encoding="utf-8")
    assert main(["tune", "toys.toml"]) == 0
    trials = from_csv((tmp_path / "toys.tuning.csv").read_text(encoding="utf-8"))
    chosen = json.loads((tmp_path / "toys.selection.json").read_text(encoding="utf-8"))["choices"]["SGD"]
    last = [t for t in trials if int(t["widenings"]) == chosen["widenings"]]
    by_rate = {t["learning_rate"]: [] for t in last}
    for trial in last:
        by_rate[trial["learning_rate"]].append(
            math.inf if trial["status"] == "diverged" else float(trial["validation_loss"])
        )
    assert min(map(np.median, by_rate.values())) == chosen["validation_loss"]
    capsys.readouterr()
    assert main(["reproduce", "toys.toml"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^\| SGD \| [012] of 2 \| (yes|no) \| ", out, re.M)
    assert references.LABEL in out
    assert main(["lint", "toys.toml"]) == 1  # two starts are few
    (finding,) = capsys.readouterr().out.splitlines()  # and no remark: the search was widened until its best lay inside
    assert finding == "toys: L-B5: S = 2: fewer than 5 evaluation seeds allow no claim."
