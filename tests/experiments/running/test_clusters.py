"""The engines of several machines follow what runs do from folders alone, and say what is missing or wrong."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from experiments import environment
from experiments.errors import UserError
from experiments.records import attempts, files, leases, run_folder
from experiments.running import engines
from experiments.running.engines import Job, Setting, cluster
from tests.experiments.small import evaluations, run
from tests.experiments.whole import prepare, program, results, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The records of the study by processes of this machine."""
    folder = prepare(tmp_path_factory.mktemp("local"))
    code, said = program(folder, "run", "whole.toml")
    assert code == 0, said
    return results(folder)


def test_an_element_that_runs_out_of_time_is_queued_again_and_goes_on(expected, tmp_path):
    """Its worker keeps a checkpoint; the records are those of an uninterrupted study."""
    pytest.importorskip("submitit")
    folder = prepare(tmp_path)
    words = ("--engine", "slurm", "--engine-option", "cluster=local", "--jobs", "1")
    running = start(folder, "run", "whole.toml", *words)
    try:
        element = _element(folder)
        os.kill(element, signal.SIGUSR2)
        out, said = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0, out + said
    assert results(folder) == expected
    resumed = [files.lines_of(path)[0][0] for path in folder.glob("runs/whole-*/trials/*/*/metrics-2.jsonl")]
    assert [line["resumed_attempt"] for line in resumed] == [1]


def _element(folder):
    """Waits until an element is at a run, and returns its process: the parent of the run's owner."""
    for _ in range(6000):
        for path in folder.glob("runs/whole-*/trials/*/*"):
            owner = leases.holder(path)
            if owner is not None and any(
                len(run_folder.evaluations(made)) > 2 for made in path.glob("metrics-*.jsonl")
            ):
                return int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(owner.pid)]))
        time.sleep(0.01)
    raise AssertionError("no element has begun")


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_without_its_package_an_engine_says_how_to_get_it(monkeypatch, tmp_path, engine, package):
    """One sentence, with the command."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"The engine {engine} needs a package: pip install 'tfoptim\[{engine}\]'"):
        engines.make(engine, Setting(1, tmp_path, {}), {})


def test_an_option_that_an_engine_does_not_know_is_refused(tmp_path):
    """With what it knows."""
    pytest.importorskip("ray")
    pytest.importorskip("submitit")
    with pytest.raises(UserError, match=r"Unknown option of the Ray engine 'adress': did you mean 'address'\?"):
        engines.make("ray", Setting(1, tmp_path, {}), {"adress": "x"})
    with pytest.raises(UserError, match=r"Slurm cannot be used so: .*slurm_partitoin"):
        engines.make("slurm", Setting(1, tmp_path, {}), {"cluster": "local", "slurm_partitoin": "x"})
    with pytest.raises(UserError, match="The local engine takes no options, got 'address'"):
        engines.make("local", Setting(1, tmp_path, {}), {"address": "x"})


def test_slurm_that_is_not_here_is_told(tmp_path):
    """Before anything is submitted."""
    pytest.importorskip("submitit")
    with pytest.raises(UserError, match="Slurm cannot be used so: "):
        engines.make("slurm", Setting(1, tmp_path, {}), {})


@pytest.mark.parametrize(
    ("places", "sizes"), [(1, [3, 3]), (2, [3, 3]), (3, [2, 1, 2, 1]), (6, [1] * 6), (64, [1] * 6)]
)
def test_batches_are_of_one_program_and_as_many_as_there_are_places(places, sizes):
    """So that a trace is made once a batch, and no place is left empty."""
    jobs = [Job(run(label, seed=seed), None) for seed in range(3) for label in ("GD", "Adam")]
    found = cluster.batches(jobs, places)
    assert sizes == [len(batch) for batch in found]
    assert all(len({job.run.program for job in batch}) == 1 for batch in found)
    assert sorted(job.run.identity for batch in found for job in batch) == sorted(job.run.identity for job in jobs)


def watched(tmp_path, work):
    """The events of a run whose batch does some work with its attempt and ends."""
    job = Job(run(), run_folder.folder(tmp_path, "small", run()))
    steps = iter(work(job))
    handle = SimpleNamespace(ended=lambda: next(steps, True), cancel=lambda: None)
    events = []
    cluster.watch([(handle, [job])], events.append)
    return [(event.kind, dict(event.content)) for event in events]


def test_progress_and_end_are_read_from_the_folder_of_a_run(tmp_path, monkeypatch):
    """Whatever a scheduler says."""
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0)

    def work(job):
        attempt = attempts.Attempt(job.folder, job.run)
        for evaluation in evaluations((0.1, 0.9)):
            attempt.append(evaluation)
            yield False
        attempt.finish("done", environment.describe(1), {})

    events = watched(tmp_path, work)
    assert [kind for kind, _ in events] == ["started", "evaluated", "evaluated", "finished"]
    assert events[-1][1] == {
        "status": "done",
        "seconds": 0.5,
        "epoch": 1,
        "validation_loss": 2.3 - 0.9,
        "validation_accuracy": 0.9,
    }


@pytest.mark.parametrize("said", [True, False])
def test_a_run_that_is_not_there_when_its_batch_has_ended_has_failed(tmp_path, monkeypatch, said):
    """With the reason that its attempt gave, if it could."""
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0)

    def work(job):
        attempt = attempts.Attempt(job.folder, job.run)
        attempt.append(evaluations((0.1,))[0])
        yield False
        if said:
            attempt.give_up("failed", "out of luck")

    kind, content = watched(tmp_path, work)[-1]
    assert kind == "failed"
    assert content["error"] == ("out of luck" if said else "it was not finished when its batch ended")


def test_an_interruption_ends_the_batches(tmp_path, monkeypatch):
    """They are given the time to keep checkpoints."""
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0)
    cancelled = []

    def interrupt():
        if not cancelled:
            raise KeyboardInterrupt
        return True

    handle = SimpleNamespace(ended=interrupt, cancel=lambda: cancelled.append(True))
    with pytest.raises(KeyboardInterrupt):
        cluster.watch([(handle, [Job(run(), tmp_path)])], lambda event: None)
    assert cancelled == [True]
