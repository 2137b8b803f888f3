"""Test scores stay sealed until the selection is frozen, and only the report opens them (rule B3)."""

import ast
from pathlib import Path

import pytest

import experiments
from experiments import report
from experiments.errors import UserError
from experiments.records import run_folder
from experiments.running import sweep
from experiments.studies import identity
from experiments.studies.runs import evaluation_runs
from experiments.tuning import choosing, selection
from tests.experiments.running.test_sweep import Pretender
from tests.experiments.small import select, study


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The small study with its selection and all of its evaluation runs recorded; the file of the study, the runs."""
    monkeypatch.setattr(run_folder, "ROOT", tmp_path / "runs")
    monkeypatch.setattr(sweep, "_prepare", lambda name: None)
    path, whole = tmp_path / "small.toml", study()
    choices = select(path, whole)
    runs = evaluation_runs(identity.study_hash(whole), whole, choosing.values(choices))
    sweep.compare("small", whole, runs, Pretender())
    return path, runs


@pytest.fixture
def seen(monkeypatch):
    """The names of the files whose lines are looked at from here on."""
    names, look = [], run_folder.lines_of

    def noted(path):
        names.append(path.name)
        return look(path)

    monkeypatch.setattr(run_folder, "lines_of", noted)
    return names


def test_only_the_report_asks_for_test_scores():
    """One call in the whole program has `test=True`."""
    root = Path(experiments.__file__).parent
    asking = {
        path.relative_to(root).as_posix()
        for path in root.glob("**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "test" and getattr(node.value, "value", None) is True
    }
    assert asking == {"analysis/test_scores.py"}


def test_a_comparison_looks_at_no_test_score(made, seen):
    """Neither while it runs nor when it finds everything recorded."""
    _, runs = made
    found = sweep.compare("small", study(), runs, Pretender())
    assert seen
    assert not [name for name in seen if name.startswith("test")]
    assert "test_accuracy" not in found[0].evaluations[-1]


def test_the_report_opens_them_and_writes_down_when(made, seen):
    """Once: a second report leaves the note as it is."""
    path, runs = made
    found = report.opened("small", path, runs)
    assert [name for name in seen if name.startswith("test")] == ["test-1.jsonl"] * len(runs)
    assert found[0].evaluations[-1]["test_accuracy"] == 0.89
    note = report.note_of("small", runs[0])
    first = note.read_bytes()
    report.opened("small", path, runs)
    assert note.read_bytes() == first
    assert report.broken("small", path, runs[0]) == []


def test_a_selection_that_changes_after_that_is_a_broken_rule(made):
    """Whoever has seen the test scores must not choose again."""
    path, runs = made
    report.opened("small", path, runs)
    chosen = selection.paths(path)[0]
    chosen.write_text(chosen.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (finding,) = report.broken("small", path, runs[0])
    assert finding.code == "L-B3"
    assert finding.sentence.startswith("The selection was changed after the test scores had been opened on 20")


def test_missing_runs_are_left_out_and_none_at_all_is_refused(made):
    """A report of what there is; of nothing, a sentence with the command that makes it."""
    path, runs = made
    run_folder.discard(run_folder.folder(run_folder.ROOT, "small", runs[0]))
    assert len(report.opened("small", path, runs)) == len(runs) - 1
    for run in runs[1:]:
        run_folder.discard(run_folder.folder(run_folder.ROOT, "small", run))
    with pytest.raises(UserError, match="so there is nothing to report; make them with: python -m experiments compare"):
        report.opened("small", path, runs)


def test_a_record_that_cannot_be_read_is_refused(made):
    """Its folder and the command that mends it are named, and no report is made of the others alone."""
    path, runs = made
    folder = run_folder.folder(run_folder.ROOT, "small", runs[0])
    (folder / "test-1.jsonl").write_text("torn", encoding="utf-8")
    said = f"the record in {folder} is damaged: test-1.jsonl, .*; make that run again with: .* compare .*small.toml"
    with pytest.raises(UserError, match=said):
        report.opened("small", path, runs)
