"""A request: the study that a command line names, with its changes, the runs that follow, and what makes them.

Execution options (engine, jobs, checkpoints) are no part of a run's identity.
"""

import argparse
import collections
import dataclasses
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from experiments import environment, machine, studies
from experiments import optimizers as library
from experiments.cli.options import Shard, first_seeds
from experiments.errors import UserError, unknown
from experiments.problems import datasets, own
from experiments.records import costs, run_folder, states
from experiments.running import engines, sweep
from experiments.running.engines import Engine, Setting
from experiments.studies import Study, identity
from experiments.studies.budgets import BUDGETS
from experiments.studies.runs import Run, evaluation_runs
from experiments.text import say
from experiments.tuning import choosing, selection, targets
from experiments.tuning.choosing import Choice

MOST_WORKERS = 8  # unless --jobs says more; each holds TensorFlow and the data
MOST_PLACES = 64  # of a cluster, unless --jobs says more


@dataclasses.dataclass(frozen=True)
class Options:
    """Changes to a study and its execution by the command line; None where it says nothing."""

    study: str
    seeds: int | tuple[int, ...] | None = None
    epochs: int | None = None
    optimizers: tuple[str, ...] | None = None
    data: str | None = None
    grid: str | None = None
    deterministic: bool = False
    out: Path | None = None
    jobs: int | None = None
    preset: str | None = None
    target: float | None = None
    command: str = ""
    tuning: bool = False
    shard: Shard | None = None
    engine: str = "local"
    engine_option: Sequence[tuple[str, str]] = ()
    checkpoint: float = 30.0
    wait: bool = True
    dry_run: bool = False
    repetitions: int = 5
    again: bool = False
    wide: bool = False


def options_of(given: argparse.Namespace, typed: str) -> Options:
    """Returns the options of a command about a study, as they were typed."""
    known = {field.name for field in dataclasses.fields(Options)} - {"command"}
    return Options(**{key: value for key, value in vars(given).items() if key in known}, command=typed)


def with_preset(study: Study, options: Options) -> Options:
    """Returns options with those of the preset; options that were typed hold."""
    if options.preset is None:
        return options
    known = {preset.name: preset for preset in study.presets}
    if options.preset not in known:
        raise _no_preset(study, options.preset)
    preset = known[options.preset]
    return dataclasses.replace(
        options,
        seeds=options.seeds or preset.seeds,
        epochs=options.epochs or preset.epochs,
        optimizers=options.optimizers or preset.optimizers,
        data=options.data or preset.data,
        out=options.out or Path(preset.figures),
    )


def _no_preset(study: Study, name: str) -> UserError:
    """Returns the error for a preset that a study lacks: those it has, or which studies have some."""
    if name in BUDGETS:
        return UserError(f"'{name}' is a budget, not a preset: set it in the study's file, as in budget = \"{name}\".")
    if study.presets:
        return unknown("preset", name, [preset.name for preset in study.presets])
    having = {name: studies.declared(studies.find(name)).presets for name in studies.names()}
    described = ", ".join(f"{name} ({' '.join(one.name for one in own)})" for name, own in having.items() if own)
    return UserError(
        f"The study '{study.title}' has no presets; make it smaller with --seeds, --epochs and --optimizers, as in "
        f"--seeds 2 --epochs 2. Studies with presets: {described}."
    )


def changed(study: Study, options: Options) -> Study:
    """Returns a study with another budget, data set, grid or kind of operations, which makes it another study."""
    data = options.data or study.data
    if own.is_own(study.task) and data != study.data:
        raise UserError("--data is for a task of this project; a task of your own has its own data.")
    if data not in datasets.CARDS:
        raise unknown("data set", data, datasets.CARDS)
    return dataclasses.replace(
        study,
        data=data,
        epochs=options.epochs or study.epochs,
        grid=options.grid or study.grid,
        deterministic=options.deterministic or study.deterministic,
    )


def narrowed(study: Study, options: Options) -> Study:
    """Returns the study with the requested optimizers and seeds; its runs stay the same."""
    labels = [entry.label for entry in study.optimizers]
    wanted = {name.lower() for name in options.optimizers or labels}
    for name in options.optimizers or ():
        if name.lower() not in map(str.lower, labels):
            raise _not_in(options.study, name, labels, wanted)
    entries = tuple(entry for entry in study.optimizers if entry.label.lower() in wanted)
    there = [entry.label for entry in entries]
    return dataclasses.replace(
        study,
        optimizers=entries,
        seeds=first_seeds(options.seeds, study.seeds),
        reference=study.reference if study.reference in there else None,
        claims=tuple(claim for claim in study.claims if {*claim.better, *claim.than} <= set(there)),
    )


def _not_in(study: str, name: str, labels: Sequence[str], wanted: Collection[str]) -> UserError:
    """Returns the error for an optimizer that a study lacks, with how to add one of the library."""
    own = studies.find(study)
    if name.lower() not in library.available():
        return unknown("optimizer", name, labels, given=wanted)
    return UserError(
        f"The study {own.stem} has no {name}; it has {', '.join(labels)}. To add one, copy {os.path.relpath(own)}, "
        f'give the copy an entry [[optimizers]] with optimizer = "{name.lower()}", and choose its learning rate with: '
        "python -m experiments tune COPY.toml"
    )


@dataclasses.dataclass(frozen=True)
class Request:
    """A request about one problem."""

    path: Path  # the study's file
    name: str  # the study's name
    whole: Study  # the study as its file says
    study: Study  # with the changes of the command line
    choices: Mapping[str, Choice]  # hyperparameters of each optimizer
    wanted: Sequence[Run]  # the runs
    folder: Path  # of the report
    target: targets.Target | None  # score to reach, where one was set


def requests(options: Options) -> list[Request]:
    """Returns one request for each problem of a study; refuses what does not exist."""
    study = studies.load(studies.find(options.study))
    options = with_preset(study, options)
    if options.data and study.problems:
        raise UserError("--data is for a study of one problem; this one has several, with data of their own.")
    folder = options.out or Path(study.figures)
    if options.out:
        check_folder(options.out)
    found = []
    for number, (path, whole) in enumerate(studies.each(studies.find(options.study), study)):
        base = changed(whole, options)
        part = narrowed(base, options)
        choices = selection.read(path, whole)
        wanted = evaluation_runs(identity.study_hash(base), part, choosing.values(choices))
        own = folder / study.problems[number].slug if study.problems else folder
        target = targets.read(path, whole) if base == whole else None  # another budget or data set has none
        found.append(Request(path, path.stem, whole, part, choices, wanted, own, target))
    return found


def check_folder(folder: Path) -> None:
    """Raises unless a report can be written to a folder, before anything trains for it."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path())
    if not there.is_dir():
        raise UserError(f"--out must be a folder, got {folder}: {there} is a file.")
    if not os.access(there, os.W_OK):
        raise UserError(f"--out must be a folder that can be written to, got {folder}; give another one.")


def engine_of(name: str, options: Options, most: int) -> Callable[[], Engine]:
    """Returns what makes the engine for at most so many runs of a study, once it is known that there is work."""
    count = workers(options, most)
    described = {**environment.describe(count), "engine": options.engine}
    setting = Setting(count, sweep.logs(name), described, options.checkpoint, options.wait)
    return lambda: engines.make(options.engine, setting, dict(options.engine_option))


def make_runs(name: str, runs: Sequence[Run], options: Options, title: str) -> None:
    """Makes the runs that are missing, or prints how many they are."""
    if options.dry_run:
        print_estimate(name, runs, options)
    elif runs:
        sweep.fulfil(name, runs, engine_of(name, options, len(runs)), f"{title} on {runs[0].data}")


def print_estimate(name: str, runs: Sequence[Run], options: Options, more: str = "") -> None:
    """Prints the number of runs, of those that are missing, and the time that these will take."""
    stand = [states.of(run_folder.folder(run_folder.ROOT, name, run), run) for run in runs]
    missing = [run for run, state in zip(runs, stand, strict=True) if state.word not in states.FINAL]
    engine_of(name, options, len(missing))()
    say(costs.estimate(name, runs, missing, run_folder.ROOT, workers(options, len(missing))) + more)
    reasons = collections.Counter(state.reason for state in stand if state.word == "outdated")
    for reason, count in reasons.items():
        say(f"{name}: {count} of those to make are recorded, {reason}.")


def workers(options: Options, runs: int) -> int:
    """Returns how many of some runs are made at once."""
    usual = min(machine.cores(), MOST_WORKERS) if options.engine == "local" else MOST_PLACES
    return min(options.jobs or usual, runs)
