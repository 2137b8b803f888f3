"""A request: the study that a command line names, with its changes, and the runs that follow."""

import argparse
import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from experiments import optimizers as library
from experiments import studies
from experiments.cli.options import Shard
from experiments.errors import UserError, unknown
from experiments.problems import datasets
from experiments.studies import Study, identity
from experiments.studies.budgets import BUDGETS
from experiments.studies.runs import Run, evaluation_runs
from experiments.tuning import choosing, selection, targets
from experiments.tuning.choosing import Choice


@dataclasses.dataclass(frozen=True)
class Options:
    """Changes to a study and its execution by the command line; None where it says nothing."""

    study: str
    seeds: tuple[int, ...] | None = None
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
        out=options.out or Path(preset.figures),
    )


def _no_preset(study: Study, name: str) -> UserError:
    """Returns the error for a preset that a study lacks: those it has, or which studies have some."""
    if name in BUDGETS:
        return UserError(f"'{name}' is a budget, not a preset: set it in the study's file, as in budget = \"{name}\".")
    if study.presets:
        return unknown("preset", name, [preset.name for preset in study.presets])
    having = {name: studies.load(studies.find(name)).presets for name in studies.names()}
    described = ", ".join(f"{name} ({' '.join(one.name for one in own)})" for name, own in having.items() if own)
    return UserError(
        f"The study '{study.title}' has no presets; make it smaller with --seeds, --epochs and --optimizers, as in "
        f"--seeds 2 --epochs 2. Studies with presets: {described}."
    )


def changed(study: Study, options: Options) -> Study:
    """Returns a study with another budget, data set, grid or kind of operations, which makes it another study."""
    data = options.data or study.data
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
    return dataclasses.replace(study, optimizers=entries, seeds=options.seeds or study.seeds)


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
