"""A report of a score of one's own, which need not be a share from 0 to 1, from numbers in memory."""

import dataclasses

import pytest

from experiments import report
from experiments.analysis.lint import Claims
from experiments.problems import tasks
from experiments.report import gallery, tables, text
from experiments.text import from_csv
from tests.experiments.evidence import THREE, evidence
from tests.experiments.figures.drawn import STYLES

SCALES = {"r_squared": lambda share: 8 * share - 7.5, "mean_error": lambda share: 40 - 40 * share}


@pytest.fixture(params=SCALES)
def own(request, monkeypatch):
    """Evidence whose accuracies are another score: one from below -6 to 0.5, and an error from 0 to 40."""
    score, scale = request.param, SCALES[request.param]
    task = dataclasses.replace(
        tasks.get("mnist_mlp"),
        score=score,
        score_title=score.replace("_", " "),
        metrics={score: None},
        share=False,
        lower_is_better=score == "mean_error",
    )
    whole = evidence(THREE)
    found = [
        dataclasses.replace(one, evaluations=tuple(_as(e, score, scale) for e in one.evaluations))
        for one in whole.found
    ]
    trials = [dataclasses.replace(trial, score=task.merit(scale(trial.score))) for trial in whole.trials]
    monkeypatch.setitem(tasks.TASKS, "mnist_mlp", task)
    return dataclasses.replace(whole, found=found, trials=trials)


def _as(evaluation, score, scale):
    """An evaluation whose accuracies are on another scale, under another name."""
    return {
        key.replace("accuracy", score): scale(value) if key.endswith("accuracy") else value
        for key, value in evaluation.items()
    }


def test_every_figure_and_table_is_of_the_score_as_it_is(own, tmp_path, monkeypatch):
    """Titles and files have its name, and nothing takes it from 1."""
    monkeypatch.setattr("experiments.figures.canvas.DPI", 20)
    score = own.score
    made = report.result(own, Claims())
    shown = gallery.draw(own, made, tmp_path, STYLES)
    names = {path.name for figure in shown for path in figure.files}
    assert {f"test_{score}.csv", f"train_{score}.csv", "scores.csv", "loss.csv"} <= names
    assert not [name for name in names if "accuracy" in name or name.startswith("test_error")]
    ends = from_csv((tmp_path / "scores.csv").read_text(encoding="utf-8"))
    assert all(row["error"] == row["score"] and row["unit"] == "" for row in ends)
    assert ends[0]["optimizer"] == "Adam"
    said = text.markdown(own, made, []) + tables.of_results(own, made).csv
    assert f"a test {own.task.score_title} of " in "".join(figure.finding for figure in shown)
    assert "accuracy" not in said
