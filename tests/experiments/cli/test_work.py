"""How each run stands, and which of them are gone on with, is read from folders alone."""

import dataclasses
import os
import re

import pytest

from experiments.__main__ import main
from experiments.records import leases, run_folder, states
from tests.experiments.kept import begun, finished
from tests.experiments.small import run


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A working directory without runs."""
    monkeypatch.chdir(tmp_path)
    return run_folder.ROOT


def state(one):
    """How a run stands."""
    return states.of(run_folder.folder(run_folder.ROOT, "small", one), one)


def test_how_a_run_stands_is_read_from_its_folder():
    """Not begun, under way, ended without a result in any way, finished, made by other code, damaged."""
    assert state(run()).word == "missing"
    attempt = begun(run())
    assert (state(run()).word, state(run()).epoch) == ("interrupted", 1)
    with leases.claim(attempt.path):
        assert state(run()).word == "running"
        assert f"process {os.getpid()} on " in state(run()).reason
    for word in states.UNFINISHED:
        attempt.give_up(word, "out of luck")
        assert (state(run()).word, state(run()).reason) == (word, "out of luck")
    finished(run(seed=1))
    assert state(run(seed=1)).word == "done"
    finished(run(seed=2), source="other")
    assert (state(run(seed=2)).word, state(run(seed=2)).reason[:21]) == ("outdated", "made with other code ")
    (finished(run(seed=3)) / "metrics-1.jsonl").write_text("", encoding="utf-8")
    assert state(run(seed=3)).word == "damaged"


@pytest.mark.parametrize("name", ["small", "small.toml", "elsewhere/small.toml"])
def test_status_counts_by_optimizer_and_names_what_is_not_finished(capsys, name):
    """With the reason, the traces, and the work left where that can be told; a study is named as for `compare`."""
    finished(run("GD"))
    finished(run())
    begun(run(seed=1, epochs=3)).give_up("failed", "out of luck")
    assert main(["status", name]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"evaluation +GD +1 done\n", shown)
    assert "failed: Adam, rate 0.001, seed 1: 1 of 3 epochs; out of luck\n" in shown
    assert "3 runs, 1 unfinished; 2 traces of 2 programs. At most 32 s of work are left" in shown


def test_a_folder_with_a_broken_specification_is_told_as_damaged(capsys):
    """Whatever it says, nothing is made of it."""
    for number, text in enumerate(['{"schema":99}', "[", "[1]", '"x"']):
        path = run_folder.ROOT / "small-00000000" / "trials" / "00" / f"{number:020d}"
        path.mkdir(parents=True)
        (path / "spec.json").write_text(text, encoding="utf-8")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count("spec.json is not of a run of this version") == 4


def test_a_link_among_the_runs_that_leads_elsewhere_is_refused(capsys, tmp_path):
    """By every command that reads or writes there; what it points at stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lease.x.tmp").write_text("mine", encoding="utf-8")
    place = run_folder.ROOT / "small-00000000" / "trials" / "00"
    place.mkdir(parents=True)
    (place / ("0" * 20)).symlink_to(outside, target_is_directory=True)
    for words in (["status"], ["clean"], ["resume"]):
        assert main(words) == 2
        assert "leads out of runs" in capsys.readouterr().err
    assert ["lease.x.tmp"] == [path.name for path in outside.iterdir()]


@pytest.mark.parametrize("name", ["../outside", "/etc", "..", "small", "nothing"])
def test_a_study_that_has_no_runs_is_refused(capsys, name):
    """Names with paths among them; nothing is removed."""
    for words in (["status", name], ["clean", name], ["clean", "--finished", name], ["resume", name]):
        assert main(words) == 2
        assert f"There are no runs of a study '{name}' in runs" in capsys.readouterr().err


def test_the_runs_of_all_problems_of_a_study_are_its_runs(root):
    """Those of each problem lie in a folder of their own."""
    for name in ("both.digits-01234567", "both.brain-01234567", "other-01234567"):
        (root / name / "trials").mkdir(parents=True)
    assert [path.name[:-9] for path in states.folders(root, "both")] == ["both.brain", "both.digits"]


def test_resume_takes_what_was_begun_and_not_finished(capsys, monkeypatch):
    """Not what is finished, under way, or has changed since."""
    made = []
    monkeypatch.setattr("experiments.cli.runs.make_runs", lambda name, runs, options, title: made.extend(runs))
    finished(run())
    begun(run(seed=1)).give_up("killed", "")
    begun(run(seed=2)).give_up("failed", "")
    begun(dataclasses.replace(run(seed=3), task_version=99))
    with leases.claim(begun(run(seed=4)).path):
        assert main(["resume"]) == 0
    assert sorted(one.seed for one in made) == [1, 2]
    assert "is skipped: its problem, data or optimizer have changed since" in capsys.readouterr().err


def test_with_nothing_interrupted_resume_says_so(capsys):
    """And that is no error."""
    assert main(["resume"]) == 0
    assert capsys.readouterr().out == "There is nothing to resume.\n"
