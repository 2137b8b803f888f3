"""What runs are missing, how long they take, how each stands, and what can be removed: read from folders alone."""

import dataclasses
import os

import numpy as np
import pytest

from experiments import environment, leases, records
from experiments.__main__ import main
from experiments.work import estimate, states, tidy
from tests.experiments.small import TOML, evaluations, run, select, study


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A working directory without runs."""
    monkeypatch.chdir(tmp_path)
    return records.ROOT


def begun(one, accuracies=(0.1, 0.4)):
    """An attempt at a run, some passes on."""
    attempt = records.Attempt(records.folder(records.ROOT, "small", one), one)
    for evaluation in evaluations(accuracies):
        attempt.append(evaluation)
    return attempt


def finished(one, seconds=10.0, **changes):
    """A finished run; its folder."""
    attempt = begun(one)
    summary = {"seconds_in_all": seconds, "seconds_compiling": 2.0, "traces": 1}
    attempt.finish("done", environment.describe(1) | changes, summary)
    return attempt.path


def state(one):
    """How a run stands."""
    return states.of(records.folder(records.ROOT, "small", one), one)


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
    assert "evaluation  GD    1 done\n" in shown
    assert "failed: Adam, rate 0.001, seed 1: 1 of 3 passes; out of luck\n" in shown
    assert "3 runs, 1 begun and not finished; 2 traces of 2 programs. At most 32 s of work are left" in shown


def test_a_folder_with_a_broken_specification_is_told_as_damaged(capsys):
    """Whatever it says, nothing is made of it."""
    for number, text in enumerate(['{"schema":99}', "[", "[1]", '"x"']):
        path = records.ROOT / "small-00000000" / "trials" / "00" / f"{number:020d}"
        path.mkdir(parents=True)
        (path / "spec.json").write_text(text, encoding="utf-8")
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count("spec.json is not that of a run of this version") == 4


def test_a_link_among_the_runs_that_leads_elsewhere_is_refused(capsys, tmp_path):
    """By every command that reads or writes there; what it points at stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lease.x.tmp").write_text("mine", encoding="utf-8")
    place = records.ROOT / "small-00000000" / "trials" / "00"
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
    monkeypatch.setattr("experiments.work.making.make", lambda name, runs, options, title: made.extend(runs))
    finished(run())
    begun(run(seed=1)).give_up("killed", "")
    begun(run(seed=2)).give_up("failed", "")
    begun(dataclasses.replace(run(seed=3), task_version=99))
    with leases.claim(begun(run(seed=4)).path):
        assert main(["resume"]) == 0
    assert sorted(one.seed for one in made) == [1, 2]
    assert "is left as it is: its problem or data have changed since" in capsys.readouterr().err


def test_with_nothing_interrupted_resume_says_so(capsys):
    """And that is no error."""
    assert main(["resume"]) == 0
    assert capsys.readouterr().out == "There is nothing to go on with.\n"


def litter(one):
    """A finished run with all that can be left behind; what stays of it, what goes."""
    path = records.folder(records.ROOT, "small", one)
    begun(one).give_up("failed", "out of luck")
    finished(one)
    stays = {"spec.json", "DONE", "result-2.json", "metrics-2.jsonl", "test-2.jsonl"}
    (path / "lease.stale-x").mkdir()
    (path / "DONE.x.old").write_text("", encoding="utf-8")
    (path / "metrics-3.jsonl.abc.tmp").write_text("x" * 2**20, encoding="utf-8")
    (path / "ckpt" / "step-32").mkdir(parents=True)
    return path, stays


def test_clean_removes_what_no_study_needs_and_keeps_every_record(capsys):
    """First it is only said; finished records read the same afterwards."""
    path, stays = litter(run())
    record = records.read(path, test=True)
    assert main(["clean", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Would remove 7 files and folders, 1.0 MiB." in said
    assert len(list(path.iterdir())) == len(stays) + 7
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == said.replace("Would remove", "Removed")
    assert {entry.name for entry in path.iterdir()} == stays
    assert records.read(path, test=True) == record


def test_clean_keeps_what_an_interrupted_run_needs(capsys):
    """Its checkpoints and its last attempt; and it touches nothing of a run that somebody is at."""
    begun(run())
    attempt = begun(run())
    attempt.checkpoint([np.zeros(2)])
    (attempt.path / "x.tmp").write_text("", encoding="utf-8")
    before = {path.name for path in attempt.path.iterdir()}
    with leases.claim(attempt.path):
        assert main(["clean"]) == 0
        assert before < {path.name for path in attempt.path.iterdir()}
    assert main(["clean"]) == 0
    assert {path.name for path in attempt.path.iterdir()} == {"spec.json", "ckpt", "metrics-2.jsonl", "test-2.jsonl"}


def test_finished_runs_are_removed_only_by_name_and_not_while_somebody_is_at_them(capsys):
    """Exit code 3 says that they are in use."""
    path = finished(run())
    name = path.parents[2].name
    with leases.claim(begun(run(seed=1)).path):
        assert main(["clean", "--finished", name]) == 3
    assert main(["clean", "--finished", name, "--dry-run"]) == 0
    assert path.exists()
    assert main(["clean", "--finished", name]) == 0
    assert not path.parents[2].exists()
    assert f"Removed runs/{name}, " in capsys.readouterr().out


def test_a_link_is_removed_and_not_what_it_points_at(tmp_path):
    """And it holds no bytes."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "target", target_is_directory=True)
    assert tidy.remove(tmp_path / "link") == 0
    assert (tmp_path / "target" / "file").exists()


def test_time_is_estimated_from_the_runs_most_like_those_to_come():
    """Of the same program, else of the same optimizer, else of the same problem; else it is not known."""
    known = estimate.paces(records.ROOT)
    assert estimate.seconds([run()], known, 1) is None
    finished(run("GD"), seconds=100.0)
    known = estimate.paces(records.ROOT)
    assert estimate.seconds([run()], known, 1) == 102.0
    finished(run(), seconds=7.0)
    finished(run(seed=1), seconds=9.0)
    known = estimate.paces(records.ROOT)
    runs = [run(seed=seed) for seed in (2, 3, 4, 5)]
    assert estimate.seconds(runs, known, 1) == 4 * 8.0 + 2.0
    assert estimate.seconds(runs, known, 2) == (4 * 8.0 + 2.0) / 2


@pytest.mark.parametrize("words", [["compare"], ["run"]])
def test_a_dry_run_says_how_many_runs_are_missing_and_makes_none(capsys, tmp_path, words):
    """With the time they will take, where something like them is recorded."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    select(tmp_path / "small.toml", study())
    assert main([*words, "small.toml", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("small: 4 runs, 0 recorded, 4 to make; how long that takes is not known")
    assert not records.ROOT.exists()
    assert main(["run", "small.toml", "--dry-run", "--seeds", "1", "--optimizers", "adam"]) == 0
    assert "1 runs, 0 recorded, 1 to make" in capsys.readouterr().out


def test_a_dry_run_of_tuning_counts_the_runs_of_the_search(capsys, tmp_path):
    """Those that it begins with."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    for words in (["tune", "small.toml"], ["run", "small.toml", "--tuning"]):
        assert main([*words, "--dry-run"]) == 0
        assert capsys.readouterr().out.startswith("small: 6 runs, 0 recorded, 6 to make")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--engine", "slrm"], "invalid choice: 'slrm'"),
        (["run", "--engine-option", "x"], "must be KEY=VALUE, got 'x'"),
        (["run", "--checkpoint", "-1"], "must be a number of seconds, 0 or more, got '-1'"),
        (["run", "--checkpoint", "soon"], "must be a number of seconds, 0 or more, got 'soon'"),
        (["run", "mnits"], "Unknown study 'mnits': did you mean 'mnist'?"),
        (["run", "--out", "x"], "Unknown option --out"),
        (["clean", "--finish", "x"], "Unknown option --finish: did you mean --finished?"),
    ],
)
def test_bad_words_get_one_sentence_and_exit_code_2(capsys, words, sentence):
    """Before anything is made."""
    assert main(words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not records.ROOT.exists()


def test_runs_that_cannot_be_stored_are_told_before_anything_is_trained(capsys, tmp_path):
    """A file in the place of the folder: one sentence with the path."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    select(tmp_path / "small.toml", study())
    (tmp_path / "runs").write_text("in the way", encoding="utf-8")
    assert main(["run", "small.toml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: runs/logs/small cannot be written: ")
    assert len(said.splitlines()) == 1
