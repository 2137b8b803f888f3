"""`python -m experiments time`, in real processes that train the stand-in."""

import itertools
import json
import types

import pytest

from experiments import machine
from experiments.__main__ import main
from experiments.records import attempts, leases, run_folder, timings
from experiments.running.engines import Event, execute
from experiments.studies import runs
from tests.experiments import small
from tests.experiments.standin.sitecustomize import Program
from tests.experiments.whole import prepare, program

LABELS = ("Momentum", "Adam")
TURNS = itertools.count()  # of pretended runs, none of which begins before another has ended


def taken(folder):
    """The records of the timing pass in a folder, in the order in which they were taken."""
    done = sorted(folder.glob("runs/whole-*/trials/*/*/DONE"))
    found = [record for mark in done if (record := run_folder.read(mark.parent)).run.kind == runs.TIMING]
    return timings.in_order(found)


@pytest.mark.slow
def test_times_are_taken_one_after_the_other_each_by_a_process_of_its_own(tmp_path):
    """Optimizers in turn, on one machine; a second call finds all recorded, and `lint` has nothing against them."""
    folder = prepare(tmp_path)
    code, said = program(folder, "time", "whole.toml", "--dry-run")
    assert (code, "whole: 10 timing runs, 0 recorded, 10 to make; the time is unknown" in said) == (
        0,
        True,
    )
    code, said = program(folder, "time", "whole.toml")
    assert code == 0, said
    found = taken(folder)
    assert [record.run.label for record in found] == list(LABELS * 5)
    assert timings.refused(found, LABELS, "whole") == ""
    assert all(a.summary["ended"] <= b.summary["began"] for a, b in itertools.pairwise(found))
    assert len(list(folder.glob("runs/logs/whole/worker-*.log"))) == 10
    (made_on,) = {json.dumps(record.environment["machine"], sort_keys=True) for record in found}
    assert set(json.loads(made_on)) == {"cpu", "cores", "memory_gib", "platform"}
    assert {(record.run.epochs, record.summary["parameters"]) for record in found} == {(3, 50_000)}
    assert said.count("; 5 repetitions") == 2
    code, said = program(folder, "time", "whole.toml", "--dry-run")
    assert "10 timing runs, 10 recorded, 0 to make." in said
    code, said = program(folder, "status")
    assert "whole-" in said
    assert said.count("5 done") == 2
    code, said = program(folder, "lint", "whole.toml")
    assert [line for line in said.splitlines() if "L-B16" in line and "not idle" not in line] == []


class Pretender:
    """An engine that records made-up times at once, and remembers what it was told."""

    def __init__(self, setting):
        """Takes what every engine is told."""
        self.setting, self.jobs = setting, []

    def submit(self, jobs, observe):
        """Records every job."""
        for job in jobs:
            self.jobs.append(job)
            attempt = attempts.Attempt(job.folder, job.run)
            shown = small.evaluations((0.1, 0.5, 0.9, 0.9)[: job.run.epochs + 1], test=False)
            for evaluation in shown:
                attempt.append(evaluation)
            attempt.finish("done", self.setting.environment, small.taken(10.0 * next(TURNS)))
            ended = {"status": "done", **shown[-1]}
            observe(Event(job, "finished", ended))


@pytest.fixture
def pretender(tmp_path, monkeypatch):
    """A folder with the small study, whose rates are the documented ones, and engines that only pretend."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.running.sweep._prepare", lambda name: None)
    monkeypatch.setattr(machine, "load", lambda: 0.1)
    made = []

    def make(name, setting, options):
        made.append(Pretender(setting))
        return made[-1]

    monkeypatch.setattr("experiments.running.engines.make", make)
    (tmp_path / "small.toml").write_text(small.TOML.replace("[tuning]\n", 'track = "default"\n[tuning]\n'), "utf-8")
    return made


def test_a_busy_machine_is_told_of_and_recorded(pretender, monkeypatch, capsys):
    """In one sentence; the times are taken all the same."""
    monkeypatch.setattr(machine, "load", lambda: 0.9)
    assert main(["time", "small.toml", "--repetitions", "2", "--epochs", "2"]) == 0
    assert capsys.readouterr().err.count("The machine is not idle") == 1
    (engine,) = pretender
    assert engine.setting.environment["load_per_core"] == 0.9
    assert [job.run.seed for job in engine.jobs] == [3000, 3000, 3001, 3001]
    assert {job.run.epochs for job in engine.jobs} == {2}


def test_times_are_forgotten_and_taken_anew_when_asked_for(pretender, capsys):
    """All that were recorded, of any length, of the optimizers that are named; else only what is missing is made."""
    for words, made in ((), 6), ((), 0), (("--epochs", "2", "--optimizers", "adam"), 3), (("--again",), 6):
        before = len(pretender)
        assert main(["time", "small.toml", "--repetitions", "3", *words]) == 0
        assert sum(len(engine.jobs) for engine in pretender[before:]) == made
        mixed = "different lengths; python -m experiments time small.toml --again" in capsys.readouterr().out
        assert mixed is ("--epochs" in words)


def test_a_study_is_told_how_long_its_times_take(pretender, capsys):
    """By what is recorded of its comparison: half a second a pass, a second of compiling, and a process each."""
    assert main(["time", "small.toml", "--repetitions", "1", "--optimizers", "adam"]) == 0
    capsys.readouterr()
    assert main(["time", "small.toml", "--dry-run", "--again", "--optimizers", "adam"]) == 0
    assert capsys.readouterr().out == "small: 5 timing runs, 0 recorded, 5 to make; about 48 s, one at a time.\n"


def test_repetitions_are_a_number_from_one_on(capsys):
    """Bad input gets one sentence; so does a study that is not there."""
    assert main(["time", "mnist", "--repetitions", "0"]) == 2
    assert "must be a whole number from 1 to 100000, got '0'" in capsys.readouterr().err
    assert main(["time", "mnits"]) == 2
    assert "Unknown study 'mnits': did you mean 'mnist'?" in capsys.readouterr().err


def test_an_interruption_names_the_command_without_what_would_begin_again(monkeypatch, capsys):
    """Else the times that were taken by then would be forgotten."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.cli.tune.requests", interrupted)
    assert main(["time", "mnist", "--again"]) == 130
    assert capsys.readouterr().err.endswith("the same command continues: python -m experiments time mnist\n")


@pytest.mark.slow
def test_a_timed_run_begins_anew_after_an_interruption(tmp_path):
    """Seconds of two processes are not those of one; another run goes on from its checkpoint."""
    for kind, seed, first in ((runs.TIMING, 3000, 0), (runs.EVALUATION, 0, 1)):
        run = small.run(kind=kind, seed=seed, epochs=3)
        folder, evaluated = tmp_path / kind, []
        job = {"spec": run.content, "folder": str(folder), "environment": {}, "checkpoint_seconds": 0.0}
        kept = Stand(run)

        def stop(event, kept=kept, **content):
            kept.stopping = event == "evaluated"

        with pytest.raises(execute.Stopped):
            execute.execute_run(job, kept, stop)
        kept.stopping = False
        execute.execute_run(
            job, kept, lambda event, seen=evaluated, **content: seen.append((event, content.get("epoch")))
        )
        assert next(epoch for event, epoch in evaluated if event == "evaluated") == first
        assert not leases.held(folder)


class Stand(types.SimpleNamespace):
    """A bench with the stand-in on it."""

    def __init__(self, run):
        """Has served nobody."""
        super().__init__(stopping=False, served=0, program=lambda run: Program(run, {}), digests=lambda run: {},
                         traces=lambda: 1, test=lambda run: None, rest=lambda run: True)  # fmt: skip


def test_an_interrupted_run_for_times_is_gone_on_with_by_itself(pretender, capsys):
    """`resume` makes it as the pass would have, on a machine that is told, whatever else there is to do."""
    assert main(["time", "small.toml", "--repetitions", "1"]) == 0
    job = pretender[0].jobs[-1]
    run_folder.discard(job.folder)
    attempts.give_up(job.folder, 1, "interrupted", "Stopped")
    assert main(["resume", "--dry-run"]) == 0
    assert "small: 1 timing runs, 0 recorded, 1 to make; about" in capsys.readouterr().out
    assert main(["resume"]) == 0
    (engine,) = pretender[1:]
    assert [made.run for made in engine.jobs] == [job.run]
    assert engine.setting.environment["machine"]["cores"] >= 1
    assert main(["resume"]) == 0
    assert "nothing to resume" in capsys.readouterr().out
