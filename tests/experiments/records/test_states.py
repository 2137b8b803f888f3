"""What no study needs is removed, and nothing that one does."""

import numpy as np
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


def litter(one):
    """A finished run with all that can be left behind; what stays of it, what goes."""
    path = run_folder.folder(run_folder.ROOT, "small", one)
    first = begun(one)
    for kind in ("cases", "words"):
        first.attach(f"{kind}.csv", b"")
    first.give_up("failed", "out of luck")
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
    record = run_folder.read(path, test=True)
    assert main(["clean", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "Would remove 9 files and folders, 1.0 MiB." in said
    assert len(list(path.iterdir())) == len(stays) + 9
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == said.replace("Would remove", "Removed")
    assert {entry.name for entry in path.iterdir()} == stays
    assert run_folder.read(path, test=True) == record


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
    assert states.remove(tmp_path / "link") == 0
    assert (tmp_path / "target" / "file").exists()
