"""Controls of the whole chain (rule B21): the same is a tie, the worse loses, and what is run twice agrees.

Logistic regression on the embedded digits, through studies, runs and records as every comparison goes.
"""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from experiments import studies
from experiments.analysis.lint import findings
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator
from experiments.records import run_folder
from experiments.running import sweep
from experiments.studies import identity
from experiments.studies.runs import evaluation_runs
from experiments.tuning import choosing
from tests.experiments.tiny import Inline

pytestmark = pytest.mark.slow  # trains three optimizers with six seeds

TOML = """
schema = 2
title = "Controls"
task = "mnist_logreg"
data = "mnist_5k"
epochs = 2
batch_size = 128
micro_batch = 128
budget = "laptop"
track = "default"
seeds = [0, 1, 2, 3, 4, 5]
figures = "figures"
""" + "".join(
    f"""
[[optimizers]]
label = "{label}"
optimizer = "{rule}"
batch = "mini"
default_learning_rate = {rate}
style = {{ color = "#000000", line = "solid", marker = "o" }}
"""
    for label, rule, rate in (
        ("Adam", "adam", 0.001),
        ("the same", "adam", 0.001),
        ("SGD", "sgd", 0.1),
        ("a hundredth", "sgd", 0.001),
    )
)
STUDY = studies.parse(TOML, "controls.toml")


def trained(monkeypatch, folder, study=STUDY):
    """The records of a study, made in a folder."""
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        runs = evaluation_runs(identity.study_hash(STUDY), study, choosing.values(choosing.documented(study)))
        return sweep.compare("controls", study, runs, Inline)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Six seeds of four entries."""
    with pytest.MonkeyPatch.context() as patch:
        return trained(patch, tmp_path_factory.mktemp("controls") / "runs")


def scores(found, label):
    """The last validation accuracy of an optimizer by seed."""
    return {r.run.seed: r.evaluations[-1]["validation_accuracy"] for r in found if r.run.label == label}


def told(table):
    """The one comparison of a table."""
    (row,) = compare(table, generator("controls", "table"), higher_is_better=True)
    return row


@pytest.mark.slow
def test_one_optimizer_under_two_names_is_a_tie(found):
    """Of the same seeds every difference is exactly 0, so that p is 1 and each is better half of the time."""
    row = told({label: scores(found, label) for label in ("Adam", "the same")})
    assert scores(found, "Adam") == scores(found, "the same")
    assert (row.verdict, row.difference, row.p, row.exact_p, row.superiority) == ("≈", 0, 1, 1, 0.5)
    assert tuple(row.percentile) == tuple(row.expanded) == (0, 0)


@pytest.mark.slow
def test_one_optimizer_with_other_seeds_is_a_tie(found, monkeypatch, tmp_path):
    """Seeds are all that differs then, and that is no difference: whichever runs are taken as pairs, and for Welch."""
    adam = dataclasses.replace(STUDY, optimizers=STUDY.optimizers[:1], seeds=(6, 7, 8, 9, 10, 11))
    one, other = scores(found, "Adam"), scores(trained(monkeypatch, tmp_path / "runs", adam), "Adam")
    assert set(other) & set(one) == set()
    turns = [np.roll([*other.values()], turn) for turn in range(len(other))]
    rows = [told({"Adam": one, "other seeds": dict(zip(one, turn.tolist(), strict=True))}) for turn in turns]
    assert {row.verdict for row in rows} == {"≈"}
    assert all(row.difference != 0 for row in rows)
    assert stats.ttest_ind([*other.values()], [*one.values()], equal_var=False).pvalue >= 0.05


def test_a_hundredth_of_the_rate_loses(found):
    """With six seeds, by both tests: all signs agree, which chance alone does once in 32 times."""
    row = told({label: scores(found, label) for label in ("a hundredth", "SGD")})
    assert (row.verdict, row.exact_p) == ("worse", 2**-5)
    assert row.corrected_p < 0.05


@pytest.mark.slow
def test_the_same_study_twice_gives_the_same_curves(found, monkeypatch, tmp_path):
    """Bit for bit, in another folder and after other runs: scores of every pass, weights and slots."""
    one = dataclasses.replace(STUDY, optimizers=STUDY.optimizers[2:3], seeds=(5, 0))
    again = {r.run.identity: r for r in trained(monkeypatch, tmp_path / "runs", one)}
    before = {r.run.identity: r for r in found if r.run.identity in again}
    assert len(again) == len(before) == 2
    for identity_, record in again.items():
        assert curve(record) == curve(before[identity_])
        assert record.summary["state_sha256"] == before[identity_].summary["state_sha256"]


def curve(record):
    """A record's evaluations without their times."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in record.evaluations]


def test_of_the_controls_the_lint_has_nothing_to_say(found):
    """They were made by the rules: paired, complete, and on whole splits."""
    assert all(isinstance(record, run_folder.Record) for record in found)
    assert findings(STUDY, found) == []
