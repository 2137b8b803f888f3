"""What stands there after the first seed of every optimizer: marked as such, and gone once there is a report."""

import dataclasses

from experiments.problems import tasks
from experiments.report import preliminary, write
from experiments.text import from_csv
from tests.experiments.evidence import evidence

ENDS = {"GD": [0.9, 0.7, 0.8, 0.8, 0.8], "Adam": [0.95, 0.9, 0.9, 0.9, 0.9]}


def first(ends=ENDS):
    """The evidence of the first seed alone, test scores sealed."""
    whole = evidence(ends)
    found = []
    for record in whole.found:
        shown = tuple({k: v for k, v in one.items() if not k.startswith("test_")} for one in record.evaluations)
        found += [dataclasses.replace(record, evaluations=shown)] if record.run.seed == 0 else []
    return dataclasses.replace(whole, study=dataclasses.replace(whole.study, seeds=(0,)), found=found)


def test_it_is_marked_and_shows_validation_scores_of_one_seed(tmp_path):
    """On the terminal, in Markdown and in the figure, the best optimizer first."""
    said = preliminary.write(first(), (0, 1, 2, 3, 4), tmp_path)
    page, figure = ((tmp_path / f"preliminary.{kind}").read_text("utf-8") for kind in ("md", "svg"))
    for text in (said, page, figure):
        assert "Preliminary, validation accuracy" in text
        assert "(no claim)" in text
        assert "est accuracy" not in text
    assert "Preliminary: seed 0 alone, the first of 5." in page
    assert said.index("Adam ") < said.index("GD ")
    rows = from_csv((tmp_path / "preliminary.csv").read_text("utf-8"))
    assert {row["seed"] for row in rows} == {"0"}
    assert max(float(row["validation_accuracy"]) for row in rows) == 0.96


def test_a_diverged_run_is_told_and_comes_last(tmp_path):
    """Its last score is no number."""
    said = preliminary.write(first(ENDS | {"Adam": [float("nan"), 0.9, 0.9, 0.9, 0.9]}), (0, 1, 2, 3, 4), tmp_path)
    assert said.index("GD ") < said.index("Adam ")
    assert "diverged" in said


def test_the_report_takes_its_place(tmp_path, monkeypatch):
    """Nothing preliminary is left beside it."""
    preliminary.write(first(), (0, 1, 2, 3, 4), tmp_path)
    monkeypatch.setattr("experiments.report.gallery.draw", lambda *arguments, **named: [])
    monkeypatch.setattr("experiments.report.broken", lambda *arguments: [])
    write(evidence(ENDS), tmp_path / "small.toml", tmp_path)
    assert not list(tmp_path.glob("preliminary*"))
    assert (tmp_path / "report.html").exists()


def test_every_problem_has_a_preliminary_curve():
    """Of its score on validation, in the words of that of training."""
    for name, column in (("mnist_orig", "accuracy"), ("mni152", "dice"), ("quadratic_deep", "loss")):
        one = dataclasses.replace(first(), study=dataclasses.replace(first().study, task=name))
        curve = preliminary.validation(one)
        assert curve.column == f"validation_{column}"
        assert "rain" not in curve.words + curve.axis
        assert tasks.get(name).score == column
