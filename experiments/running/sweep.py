"""A sweep: expands a study into runs, skips recorded ones, hands the rest to an engine, reads all records."""

import collections
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import environment, machine
from experiments.errors import Locked, RunsFailed, UserError
from experiments.problems import datasets, tasks
from experiments.records import run_folder
from experiments.records.files import storing
from experiments.running.engines import Engine, Event, Job
from experiments.running.progress import Meter
from experiments.studies import Study
from experiments.studies.identity import study_hash
from experiments.studies.runs import TARGET, Run, plan
from experiments.text import clock
from experiments.tuning import choosing, selection, targets

MakeEngine = Callable[[], Engine]
Early = Callable[[list[run_folder.Record]], str]
RETRIES = 2
EARLY_SECONDS = 20.0  # with less left, the report itself stands there as soon


def compare(
    name: str, study: Study, runs: Sequence[Run], engine: MakeEngine, early: Early | None = None
) -> list[run_folder.Record]:
    """Makes the runs of a comparison that are not recorded yet, and returns all records, test scores sealed.

    Those of the first seed come first; once they are made, `early` takes their records and returns what is printed.
    """
    fulfil(name, runs, engine, f"Comparing on {study.data}", early)
    return [_recorded(name, run) for run in runs]


def tune(path: Path, study: Study, engine: MakeEngine) -> dict[str, choosing.Choice]:
    """Chooses the hyperparameters of each optimizer on validation data, and writes choice and evidence by the study."""
    while True:
        runs, choices = searched(path.stem, study)
        if choices:
            break
        fulfil(path.stem, runs, engine, f"Tuning on {study.data}")
    selection.write(path, study, [_recorded(path.stem, run) for run in runs], choices)
    return choices


def set_target(path: Path, study: Study, engine: MakeEngine) -> targets.Target:
    """Tunes the pool, runs its best optimizer again, and writes the target next to the study."""
    own, whole = targets.paths(path)[0], targets.pool(study)
    choices, task = tune(own, whole, engine), tasks.get(study.task)
    entry = max(whole.optimizers, key=lambda one: task.merit(choices[one.label].validation_score))
    choice = choices[entry.label]
    runs = [plan(study_hash(whole), whole, TARGET, entry, choice.values, seed) for seed in whole.seeds]
    return targets.write(path, study, entry.label, choice, compare(own.stem, whole, runs, engine))


def searched(name: str, study: Study) -> tuple[list[Run], dict[str, choosing.Choice]]:
    """Returns the tuning runs so far, and the choices once all of them are made."""
    runs: dict[str, Run] = {}
    while all(_present(job) for job in _jobs(name, runs.values())):
        trials = [choosing.trial_of(_recorded(name, run)) for run in runs.values()]
        settled = {e.label: choosing.settle(study, e, trials) for e in study.optimizers}
        choices = {k: v for k, v in settled.items() if isinstance(v, choosing.Choice)}
        if len(choices) == len(settled):
            return list(runs.values()), choices
        wanted = [run for entry in study.optimizers for run in choosing.tuning_runs(study, entry, settled[entry.label])]
        runs |= {run.identity: run for run in wanted}
    return list(runs.values()), {}


def fulfil(
    name: str,
    runs: Sequence[Run],
    engine: MakeEngine,
    title: str,
    early: Early | None = None,
) -> None:
    """Makes the runs that are not recorded yet; one that fails again, twice at most.

    Those of the first seed come first, where `early` waits for their records.

    Raises:
        UserError: the data are not available, records cannot be written, runs failed, or are locked and not waited for.
    """
    own = [run for run in runs if early and run.seed == runs[0].seed]
    jobs = sorted(_jobs(name, runs, own), key=lambda job: not job.first)
    _print_outdated(jobs)
    missing = [job for job in jobs if not usable(job)]
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are recorded already.", file=sys.stderr)
    if not missing:
        return
    with storing(logs(name)):
        logs(name).mkdir(parents=True, exist_ok=True)
    for data in sorted({job.run.data for job in missing}):
        _prepare(data)
    with Meter(title, len(missing), sum(job.run.epochs for job in missing)) as meter:
        awaited = [job.run.identity for job in missing if job.first]
        watch = Watch(meter, awaited, lambda: early([_recorded(name, run) for run in own]) if early else "")
        left = missing
        for tries in range(RETRIES, -1, -1):
            watch.last = tries == 0
            engine().submit(left, watch.observe)
            left = watch.again()
            if not left:
                break
    watch.judge(len(missing), logs(name))


def _jobs(name: str, runs: Iterable[Run], first: Iterable[Run] = ()) -> list[Job]:
    before = {run.identity for run in first}
    return [Job(run, run_folder.folder(run_folder.ROOT, name, run), run.identity in before) for run in runs]


def logs(name: str) -> Path:
    """Returns the folder for the logs of a study's workers."""
    return run_folder.ROOT / "logs" / name


def _print_outdated(jobs: Iterable[Job]) -> None:
    """Prints how many records of other code or versions are kept and not used, and by which they were made."""
    found = [record for job in jobs if (record := run_folder.read(job.folder)) is not None]
    made_with = collections.Counter(environment.difference(record.environment) for record in found)
    for difference, count in made_with.items():
        if difference:
            print(f"{count} of {len(found)} recorded runs are not used: made with {difference}.", file=sys.stderr)


def _present(job: Job) -> bool:
    """Returns whether a record of the present code is there; nothing is changed."""
    record = run_folder.read(job.folder)
    return record is not None and environment.current(record.environment)


def usable(job: Job) -> bool:
    """Returns whether a record of the present code is there; marks any other as not done, and reports damage."""
    if _present(job):
        return True
    damage = run_folder.damage(job.folder)
    if damage is not None:
        print(f"The run is made again, since {damage}.", file=sys.stderr)
    run_folder.discard(job.folder)
    return False


def _recorded(name: str, run: Run) -> run_folder.Record:
    path = run_folder.folder(run_folder.ROOT, name, run)
    record = run_folder.read(path)
    if record is None:
        raise UserError(f"The record in {path} cannot be read; delete that folder and run again.")
    return record


class Watch:
    """Turns an engine's events into progress, and collects failures; once the awaited runs are made, it acts early."""

    def __init__(self, meter: Meter, awaited: Iterable[str], early: Callable[[], str]) -> None:
        self.last = False
        self._awaited, self._early = set(awaited), early
        self._meter = meter
        self._failed: list[Job] = []
        self._failures: list[str] = []
        self._locked: list[str] = []

    def observe(self, event: Event) -> None:
        """Takes an event."""
        run, content, meter = event.job.run, event.content, self._meter
        label = f"{run.label}, rate {run.learning_rate:g}, seed {run.seed}"
        if event.kind == "started":
            meter.begin(run.identity, content["epoch"])
        elif event.kind == "evaluated":
            meter.reach(run.identity, content["epoch"])
        elif event.kind == "note":
            meter.note(content["text"])
        elif event.kind == "busy":
            self._locked.append(f"{label}: {content['owner']}")
            meter.finish(f"{label}: skipped, locked by {content['owner']}")
        elif event.kind == "failed":
            self._fail(event.job, label, content)
        else:
            meter.reach(run.identity, run.epochs)
            meter.finish(f"{label}: {_ended(run, content)}")
            if run.identity in self._awaited:
                self._awaited.remove(run.identity)
                if not self._awaited and meter.seconds_left() > EARLY_SECONDS:
                    self._act()

    def _act(self) -> None:
        """Acts early, while workers go on; what fails here does not stop them."""
        try:
            self._meter.note(self._early())
        except Exception as error:
            self._meter.note(f"No preliminary table ({type(error).__name__}: {error}).")

    def again(self) -> list[Job]:
        """Returns the jobs that are worth another try, once."""
        jobs, self._failed = self._failed, []
        return jobs

    def judge(self, runs: int, folder: Path) -> None:
        """Raises an error where runs are missing."""
        if self._failures:
            raise RunsFailed(
                f"{len(self._failures)} of {runs} runs failed, the first because: {self._failures[0].rstrip('.')}; "
                f"worker logs are in {folder}, and the same command tries them again."
            )
        if self._locked:
            raise Locked(
                f"{len(self._locked)} of {runs} runs are locked by other processes, the first {self._locked[0]}."
            )

    def _fail(self, job: Job, label: str, content: Mapping[str, Any]) -> None:
        if self.last or content.get("final"):
            self._failures.append(f"{label}: {content['error']}")
            self._meter.finish(f"{label}: failed")
        else:
            self._failed.append(job)
            self._meter.note(f"{label}: failed ({content['error']}), will be tried again")


def _ended(run: Run, content: Mapping[str, Any]) -> str:
    if content["status"] == "diverged":
        return f"diverged in epoch {math.ceil(content['epoch'])}"
    task = tasks.get(run.task)
    score = content[f"validation_{task.score}"]
    return f"validation {task.score_title} {score:.3f}, trained in {clock(content['seconds'])}"


def _prepare(name: str) -> None:
    """Prepares the files of a data set in a process of its own, before any worker needs them."""
    card = datasets.CARDS[name]
    datasets.require(card)
    if card.prepared:
        return
    print(f"Preparing the data set {name} ...", file=sys.stderr)
    load = (sys.executable, "-m", "experiments.problems.datasets.load", name)
    done = machine.run(*load, start_new_session=True)
    if done.returncode:
        raise UserError(f"The data set {name} could not be prepared: {machine.reason(done)}")
