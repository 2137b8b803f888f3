"""Expands a study into runs, skips what is recorded, hands the rest to an engine, reads all back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from experiments import datasets, environment, records, selection, tasks
from experiments.config import Entry, Study
from experiments.engines import Engine, Event, Job
from experiments.errors import RunsFailed, UserError
from experiments.identity import tuning_hash
from experiments.progress import Meter, clock
from experiments.runs import EVALUATION, TUNING, Run, plan
from experiments.search import Search

MakeEngine = Callable[[], Engine]


def evaluation_runs(identity: str, study: Study, choices: Mapping[str, selection.Choice]) -> list[Run]:
    """Returns the runs of a comparison: every optimizer at its chosen rate, with every seed."""
    return [
        plan(identity, study, EVALUATION, entry, choices[entry.label].values, seed)
        for entry in study.optimizers
        for seed in study.seeds
    ]


def compare(name: str, study: Study, runs: Sequence[Run], engine: MakeEngine) -> list[records.Record]:
    """Makes the runs of a comparison that are not recorded yet, and returns all records, test scores sealed."""
    fulfil(name, study, runs, engine, f"Comparing on {study.data}")
    return [_recorded(name, run) for run in runs]


def tuning_runs(study: Study, entry: Entry, settled: selection.Choice | Sequence[Search]) -> list[Run]:
    """Returns the runs of the searches of one optimizer that are not settled."""
    if isinstance(settled, selection.Choice):
        return []
    identity = tuning_hash(study)
    return [
        plan(identity, study, TUNING, entry, point.values, seed, selection.place(search, point))
        for search in settled
        for point in search.points
        for seed in study.tuning.seeds
    ]


def tune(path: Path, study: Study, engine: MakeEngine) -> dict[str, selection.Choice]:
    """Chooses the hyperparameters of each optimizer on validation data, and writes choice and evidence.

    Args:
        path: the study's file; what is written goes beside it.
        study: what it says.
        engine: makes the engine that carries out the runs.
    """
    name = path.stem
    runs: dict[str, Run] = {}
    while True:
        found = [_recorded(name, run) for run in runs.values()]
        trials = [selection.trial_of(record) for record in found]
        settled = {e.label: selection.settle(study, e, trials) for e in study.optimizers}
        choices = {k: v for k, v in settled.items() if isinstance(v, selection.Choice)}
        if len(choices) == len(settled):
            break
        wanted = [run for entry in study.optimizers for run in tuning_runs(study, entry, settled[entry.label])]
        runs |= {run.identity: run for run in wanted}
        fulfil(name, study, list(runs.values()), engine, f"Tuning on {study.data}")
    selection.write(path, study, found, choices)
    return choices


def fulfil(name: str, study: Study, runs: Sequence[Run], engine: MakeEngine, title: str) -> None:
    """Makes the runs that are not recorded yet.

    Raises:
        UserError: the data cannot be had, or runs failed.
    """
    jobs = [Job(run, records.folder(records.ROOT, name, run)) for run in runs]
    missing = [job for job in jobs if not _usable(job)]
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are recorded already.", file=sys.stderr)
    if not missing:
        return
    _prepare(study.data)
    failures: list[str] = []
    with Meter(title, len(missing), sum(job.run.epochs for job in missing)) as meter:
        engine().submit(missing, lambda event: _observe(event, meter, failures))
    if failures:
        raise RunsFailed(
            f"{len(failures)} of {len(missing)} runs failed, the first because: {failures[0]}; "
            f"what the workers said is in {logs(name)}, and the same command tries them again."
        )


def logs(name: str) -> Path:
    """Returns the folder for what the workers of a study print."""
    return records.ROOT / "logs" / name


def recorded(name: str, runs: Iterable[Run]) -> int:
    """Returns how many of some runs are recorded."""
    return sum((records.folder(records.ROOT, name, run) / "DONE").exists() for run in runs)


def _usable(job: Job) -> bool:
    """Returns whether a record of the present code is there; marks any other as not done."""
    record = records.read(job.folder)
    if record is not None and environment.current(record.environment):
        return True
    records.discard(job.folder)
    return False


def _recorded(name: str, run: Run) -> records.Record:
    path = records.folder(records.ROOT, name, run)
    record = records.read(path)
    if record is None:
        raise UserError(f"The record in {path} cannot be read; delete that folder and run again.")
    return record


def _observe(event: Event, meter: Meter, failures: list[str]) -> None:
    run = event.job.run
    label = f"{run.label}, rate {run.learning_rate:g}, seed {run.seed}"
    if event.kind == "evaluated":
        meter.step(1 if event.content["epoch"] else 0)
    elif event.kind == "failed":
        failures.append(f"{label}: {event.content['error']}")
        meter.tell(f"{label}: failed")
    elif event.content["status"] == "diverged":
        meter.step(run.epochs - event.content["epoch"])
        meter.tell(f"{label}: diverged in pass {event.content['epoch']}")
    else:
        task, seconds = tasks.get(run.task), event.content["seconds"]
        score = event.content[f"validation_{task.score}"]
        meter.tell(f"{label}: validation {task.score_title} {score:.3f}, trained in {clock(seconds)}")


def _prepare(name: str) -> None:
    """Has the data set's files made by a process of its own, so that workers do not do it at once."""
    card = datasets.CARDS[name]
    datasets.require(card)
    if card.prepared:
        return
    print(f"Preparing the data set {name} ...", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "experiments.datasets.load", name],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(f"The data set {name} could not be prepared: {words[-1]}")
