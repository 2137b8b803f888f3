"""What each command does, from the study to the files."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments import (
    config,
    datasets,
    environment,
    identity,
    selection,
    sweep,
    tasks,
)
from experiments import report as reports
from experiments.config import Study
from experiments.engines import Engine
from experiments.engines.local import Local
from experiments.errors import UserError, unknown
from experiments.report import table
from experiments.report.table import Result
from experiments.runs import Run
from experiments.words import Words

MOST_WORKERS = 8  # unless --jobs says more; each holds TensorFlow and the data


@dataclasses.dataclass(frozen=True)
class Options:
    """What the command line may change of a study, None where it does not."""

    study: str
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None
    optimizers: tuple[str, ...] | None = None
    data: str | None = None
    out: Path | None = None
    jobs: int | None = None
    tier: str | None = None
    target: float | None = None
    command: str = ""


def tiered(study: Study, options: Options) -> Options:
    """Returns options with those that a tier stands for; what was typed beside it holds.

    Raises:
        UserError: the study has no such tier.
    """
    if options.tier is None:
        return options
    known = {tier.name: tier for tier in study.tiers}
    if not known:
        raise UserError(
            f"The study '{study.title}' declares no tiers; --seeds, --epochs and --optimizers make it smaller."
        )
    if options.tier not in known:
        raise unknown("tier", options.tier, known)
    tier = known[options.tier]
    return dataclasses.replace(
        options,
        seeds=options.seeds or tier.seeds,
        epochs=options.epochs or tier.epochs,
        optimizers=options.optimizers or tier.optimizers,
        out=options.out or Path(tier.figures),
    )


def changed(study: Study, options: Options) -> Study:
    """Returns a study with another budget or data set, which makes it another study.

    Raises:
        UserError: the data set is not known.
    """
    data = options.data or study.data
    if data not in datasets.CARDS:
        raise unknown("data set", data, datasets.CARDS)
    return dataclasses.replace(study, data=data, epochs=options.epochs or study.epochs)


def narrowed(study: Study, options: Options) -> Study:
    """Returns the part of a study that is asked for, or more of its seeds; its runs stay the same.

    Raises:
        UserError: an optimizer is not in the study.
    """
    labels = [entry.label for entry in study.optimizers]
    wanted = {name.lower() for name in options.optimizers or labels}
    for name in options.optimizers or ():
        if name.lower() not in map(str.lower, labels):
            raise unknown("optimizer", name, labels)
    entries = tuple(entry for entry in study.optimizers if entry.label.lower() in wanted)
    return dataclasses.replace(study, optimizers=entries, seeds=options.seeds or study.seeds)


def compare(options: Options) -> None:
    """Makes the runs that are missing of a comparison and writes its report, problem by problem."""
    for asked in _asked(options):
        datasets.require(datasets.CARDS[asked.study.data])
        sweep.compare(asked.name, asked.study, asked.wanted, _engine(asked.name, options.jobs, len(asked.wanted)))
        _report(asked, options)


def report(options: Options) -> None:
    """Writes the report of the runs that are recorded, and trains nothing."""
    for asked in _asked(options):
        _report(asked, options)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command line asks for on one problem: the study's file and name, the whole of it, the part, its runs."""

    path: Path
    name: str
    whole: Study
    study: Study
    choices: Mapping[str, selection.Choice]
    wanted: Sequence[Run]
    folder: Path


def _asked(options: Options) -> list[Asked]:
    """Returns what is asked for, problem by problem.

    Raises:
        UserError: something that is asked for is not there.
    """
    study = config.load(config.find(options.study))
    options = tiered(study, options)
    if options.data and study.problems:
        raise UserError("--data is for a study of one problem; this one has several, with data of their own.")
    folder = options.out or Path(study.figures)
    found = []
    for number, (path, whole) in enumerate(config.each(config.find(options.study), study)):
        base = changed(whole, options)
        part = narrowed(base, options)
        choices = selection.read(path, whole)
        wanted = sweep.evaluation_runs(identity.study_hash(base), part, choices)
        own = folder / study.problems[number].slug if study.problems else folder
        found.append(Asked(path, path.stem, whole, part, choices, wanted, own))
    return found


def _report(asked: Asked, options: Options) -> None:
    found = reports.opened(asked.name, asked.path, asked.wanted)
    words = Words(asked.name, asked.whole, asked.study, found, asked.choices, options.command)
    evidence = reports.Evidence(
        asked.name, asked.study, asked.wanted, found, asked.choices, _trials(asked), words, options.target
    )
    made = reports.write(evidence, asked.path, asked.folder)
    _show(made.result, words)
    for finding in made.findings:
        print(finding, file=sys.stderr)
    print(f"Written to {asked.folder}: {', '.join(path.name for path in made.files)}.")


def _trials(asked: Asked) -> list[selection.Trial]:
    """Returns the trials that the choice rests on; none where nothing was tuned."""
    evidence = selection.paths(asked.path)[1]
    if not (asked.study.tuned and evidence.is_file()):
        return []
    labels = [entry.label for entry in asked.study.optimizers]
    return [t for t in selection.trials_of(evidence.read_text(encoding="utf-8")) if t.label in labels]


def tune(options: Options) -> None:
    """Chooses hyperparameters for a study, and writes its selection and evidence.

    Raises:
        UserError: the study's track tunes nothing.
    """
    path = config.find(options.study)
    study = config.load(path)
    if not study.tuned:
        raise UserError(f"The track '{study.track}' tunes nothing: its learning rates are the documented ones.")
    for of_path, problem in config.each(path, study):
        _tune(of_path, problem, options)


def _tune(path: Path, study: Study, options: Options) -> None:
    """Tunes on one problem."""
    datasets.require(datasets.CARDS[study.data])
    choices = sweep.tune(path, study, _engine(path.stem, options.jobs, len(study.optimizers)))
    task = tasks.get(study.task)
    for label, choice in choices.items():
        edge = "; the best lies at the edge of what was tried" if choice.boundary else ""
        score = task.merit(choice.validation_score)
        print(
            f"{label}: {choice.learning_rate:g}, validation {task.score_title} {score:.4g}, "
            f"out of {choice.window[0]:g} to {choice.window[1]:g}{edge}"
        )
    print("Written to " + " and ".join(os.path.relpath(p) for p in selection.paths(path)))


def prepare(name: str, path: Path) -> None:
    """Reads in a data set that the user downloaded, and says what it has.

    Raises:
        UserError: there is none of that name, or its files are not what they must be.
    """
    if name not in datasets.CARDS:
        raise unknown("data set", name, datasets.CARDS)
    from experiments.datasets.load import take

    card = take(name, path)
    for split, patients in card.patients.items():
        print(f"{split}: {card.sizes[split]:,} slices of {len(patients)} patients ({', '.join(patients)})")


def interrupted(options: Options) -> str:
    """Returns the sentence that says how to go on after an interruption."""
    return f"Interrupted; the finished runs are kept, and the same command goes on: {options.command}"


def _engine(name: str, jobs: int | None, most: int) -> Callable[[], Engine]:
    """Returns what makes the engine, once it is known that there is work."""
    workers = min(jobs or min(_cores(), MOST_WORKERS), most)
    return lambda: Local(workers, sweep.logs(name), environment.describe(workers))


def _cores() -> int:
    """Returns the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show(result: Result, words: Words) -> None:
    """Prints the result table: in bold what the runs do not tell from the best."""
    grid = Table(title=escape(words.title("Results")), caption=escape("\n".join(words.lines)))
    for heading in table.headings(words.task.score_title):
        grid.add_column(heading)
    for row in result.rows:
        grid.add_row(*map(escape, table.cells(row)), style="bold" if row.tied else None)
    console = Console(width=None if sys.stdout.isatty() else 220)
    console.print(grid)
    console.print(escape(result.headline), highlight=False)
