"""Before anything is made, it is said how many runs there are, how long they take, and what is wrong."""

import pytest

from experiments.__main__ import main
from experiments.records import costs, run_folder
from tests.experiments.kept import finished
from tests.experiments.small import TOML, run, select, study


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A working directory without runs."""
    monkeypatch.chdir(tmp_path)
    return run_folder.ROOT


def test_time_is_estimated_from_the_runs_most_like_those_to_come():
    """Of the same program, else of the same optimizer, else of the same problem; else it is not known."""
    known = costs.paces(run_folder.ROOT)
    assert costs.expected_seconds([run()], known, 1) is None
    finished(run("GD"), seconds=100.0)
    known = costs.paces(run_folder.ROOT)
    assert costs.expected_seconds([run()], known, 1) == 102.0
    finished(run(), seconds=7.0)
    finished(run(seed=1), seconds=9.0)
    known = costs.paces(run_folder.ROOT)
    runs = [run(seed=seed) for seed in (2, 3, 4, 5)]
    assert costs.expected_seconds(runs, known, 1) == 4 * 8.0 + 2.0
    assert costs.expected_seconds(runs, known, 2) == (4 * 8.0 + 2.0) / 2


@pytest.mark.parametrize("words", [["compare"], ["run"]])
def test_a_dry_run_says_how_many_runs_are_missing_and_makes_none(capsys, tmp_path, words):
    """With the time they will take, where something like them is recorded."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    select(tmp_path / "small.toml", study())
    assert main([*words, "small.toml", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("small: 4 runs, 0 recorded, 4 to make; the time is unknown")
    assert not run_folder.ROOT.exists()
    assert main(["run", "small.toml", "--dry-run", "--seeds", "1", "--optimizers", "adam"]) == 0
    assert "1 runs, 0 recorded, 1 to make" in capsys.readouterr().out


def test_a_dry_run_of_tuning_counts_the_runs_of_the_search(capsys, tmp_path):
    """Those that it begins with."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    for words in (["tune", "small.toml"], ["run", "small.toml", "--tuning"]):
        assert main([*words, "--dry-run"]) == 0
        assert capsys.readouterr().out.startswith("small: 6 runs, 0 recorded, 6 to make")


@pytest.mark.parametrize("words", [["compare"], ["run"], ["run", "--tuning"], ["tune"]])
def test_a_dry_run_refuses_an_engine_that_a_run_would_refuse(capsys, tmp_path, words):
    """So that what it says is not of a command that cannot be carried out."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    select(tmp_path / "small.toml", study())
    assert main([*words, "small.toml", "--dry-run", "--engine-option", "a=b"]) == 2
    assert "The local engine takes no options, got 'a'." in capsys.readouterr().err
    assert not run_folder.ROOT.exists()


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
    assert not run_folder.ROOT.exists()


def test_runs_that_cannot_be_stored_are_told_before_anything_is_trained(capsys, tmp_path):
    """A file in the place of the folder: one sentence with the path."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    select(tmp_path / "small.toml", study())
    (tmp_path / "runs").write_text("in the way", encoding="utf-8")
    assert main(["run", "small.toml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: runs/logs/small cannot be written: ")
    assert len(said.splitlines()) == 1


def test_a_dry_run_of_a_target_counts_the_pool_s_runs_and_trains_nothing(capsys, monkeypatch, tmp_path):
    """Four optimizers with five times the study's twenty trials."""
    monkeypatch.chdir(tmp_path)
    assert main(["target", "mnist", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("mnist.pool: 400 runs, 0 recorded, 400 to make")
    assert said.endswith(" Then the best of the pool runs with seeds of its own.\n")
    assert list(tmp_path.iterdir()) == []
