"""From a study file to figures, through real worker processes."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.records import run_folder
from tests.experiments.small import TOML, select, study

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
LONG = TOML.replace("epochs = 1", "epochs = 6")


def command(folder, *words):
    """The arguments for running the program in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return {"args": [sys.executable, "-m", "experiments", *words], "cwd": folder, "env": environment, "text": True}


def experiments(folder, *words):
    """Runs the program and returns what it did."""
    return subprocess.run(**command(folder, *words), capture_output=True, timeout=300, check=False)


def prepare(folder, toml=TOML, **changes):
    """Puts a study with chosen rates into a folder."""
    (folder / "small.toml").write_text(toml, encoding="utf-8")
    select(folder / "small.toml", study(**changes))
    return folder


def results(folder):
    """What each recorded run ended with, by its folder's name: status and hash of the final state."""
    found = {path.parent: run_folder.read(path.parent) for path in folder.glob("runs/small-*/trials/*/*/DONE")}
    return {path.name: (record.status, record.summary["state_sha256"]) for path, record in found.items()}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A folder in which the small study was compared by two processes, and what the program said."""
    folder = prepare(tmp_path_factory.mktemp("compared"))
    return folder, experiments(folder, "compare", "small.toml", "--jobs", "2")


def test_a_comparison_ends_with_a_table_and_a_report(compared):
    """Every file is there, the table has a row for each optimizer, and two seeds are too few for any verdict."""
    folder, done = compared
    assert done.returncode == 0, done.stderr
    kinds = [f"{slug}.{kind}" for slug in ("train_accuracy", "test_accuracy", "loss") for kind in ("png", "svg", "csv")]
    kinds += [f"report.{kind}" for kind in ("html", "md", "csv")]
    assert set(kinds) <= {path.name for path in (folder / "figures").iterdir()}
    assert "Adam" in done.stdout
    assert re.search(r"^Adam: highest mean; no claim: |^GD: highest mean; no claim: ", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == "Open figures/report.html"
    assert len(list(folder.glob("runs/small-*/opened.json"))) == 1
    assert "[4/4]" in done.stderr


def test_records_carry_configuration_and_environment(compared):
    """A record explains itself."""
    folder, _ = compared
    for path in folder.glob("runs/small-*/trials/*/*"):
        record = run_folder.read(path, test=True)
        assert record.environment["workers"] == 2
        assert record.environment["timing"].startswith("not-for-timing")
        assert set(record.summary["data_sha256"]) == {"train", "validation", "test"}
        assert record.summary["optimizer_config"]["name"] == record.run.optimizer
        assert [evaluation["epoch"] for evaluation in record.evaluations] == [0, 1]


def test_all_optimizers_of_a_seed_start_alike(compared):
    """The first evaluation is the same number for both."""
    folder, _ = compared
    starts = {}
    for path in folder.glob("runs/small-*/trials/*/*"):
        record = run_folder.read(path)
        starts.setdefault(record.run.seed, set()).add(record.evaluations[0]["train_loss"])
    assert [len(losses) for losses in starts.values()] == [1, 1]


def test_a_second_comparison_trains_nothing_and_draws_the_same(compared):
    """What is recorded is not made again; some of it can be drawn alone."""
    folder, _ = compared
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    done = experiments(folder, "compare", "small.toml", "--jobs", "2")
    assert "4 of 4 runs are recorded already." in done.stderr
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    part = experiments(folder, "compare", "small.toml", "--optimizers", "adam", "--seeds", "1", "--out", "part")
    assert "1 of 1 runs are recorded already." in part.stderr
    assert (folder / "part" / "loss.png").exists()


def test_one_process_gives_the_records_of_two(compared, tmp_path):
    """Results do not depend on how many processes there are, bit for bit."""
    folder, _ = compared
    done = experiments(prepare(tmp_path), "run", "small.toml", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert results(tmp_path) == results(folder)
    assert len(results(folder)) == 4


def test_an_interrupted_comparison_keeps_what_is_finished_and_says_how_to_go_on(tmp_path):
    """It waits for no run to end, leaves no process, and the same command goes on."""
    folder = prepare(tmp_path, LONG, epochs=6)
    words = ("run", "small.toml", "--jobs", "2")
    running = subprocess.Popen(
        **command(folder, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    for line in running.stderr:
        if line.startswith("[1/4]"):
            break
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "the same command continues: python -m experiments run small.toml --jobs 2" in said
    assert 1 <= len(results(folder)) < 4
    assert "Traceback" not in said
    again = experiments(folder, *words)
    assert again.returncode == 0, again.stderr
    assert len(results(folder)) == 4


def test_a_killed_worker_costs_its_run_alone_which_is_tried_again(tmp_path):
    """The others go on, the failure is told, and in the end nothing is missing."""
    folder = prepare(tmp_path, LONG, epochs=6)
    running = subprocess.Popen(
        **command(folder, "compare", "small.toml", "--jobs", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for line in running.stderr:
        if line.startswith("[1/4]"):
            break
    workers = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(running.pid)], capture_output=True, text=True, check=True
    )
    os.kill(int(workers.stdout.split()[0]), signal.SIGKILL)
    _, said = running.communicate(timeout=300)
    assert running.returncode == 0, said
    assert "failed (its worker ended with code -9, perhaps for lack of memory), will be tried again" in said
    assert len(results(folder)) == 4


def test_tuning_writes_a_selection_that_its_comparison_accepts(tmp_path):
    """Choice and evidence lie beside the study; the tuning runs saw no test example."""
    (tmp_path / "small.toml").write_text(TOML, encoding="utf-8")
    done = experiments(tmp_path, "tune", "small.toml", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    chosen = json.loads((tmp_path / "small.selection.json").read_text(encoding="utf-8"))
    assert set(chosen["choices"]) == {"GD", "Adam"}
    for path in tmp_path.glob("runs/small-*/trials/*/*"):
        record = run_folder.read(path, test=True)
        assert set(record.summary["data_sha256"]) == {"train", "validation"}
        assert not [key for key in record.evaluations[-1] if key.startswith("test")]
        assert not list(path.glob("test-*"))
    assert experiments(tmp_path, "run", "small.toml", "--jobs", "2").returncode == 0
