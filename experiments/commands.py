"""What each command does, from the study to the files."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments import (
    config,
    datasets,
    environment,
    figures,
    identity,
    records,
    report,
    selection,
    sweep,
    tasks,
)
from experiments.cases import output as cases
from experiments.config import Study
from experiments.engines import Engine
from experiments.engines.local import Local
from experiments.errors import UserError, unknown
from experiments.records import Record
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
    """Makes the runs that are missing of a comparison, then writes figures and tables, problem by problem.

    Raises:
        UserError: something that is asked for is not there.
    """
    path = config.find(options.study)
    study = config.load(path)
    options = tiered(study, options)
    if options.data and study.problems:
        raise UserError("--data is for a study of one problem; this one has several, with data of their own.")
    folder = options.out or Path(study.figures)
    for problem, (of_path, whole) in enumerate(config.each(path, study)):
        _compare(of_path, whole, options, folder / study.problems[problem].slug if study.problems else folder)


def _compare(path: Path, whole: Study, options: Options, folder: Path) -> None:
    """Compares on one problem."""
    base = changed(whole, options)
    study = narrowed(base, options)
    datasets.require(datasets.CARDS[study.data])
    choices = selection.read(path, whole)
    wanted = sweep.evaluation_runs(identity.study_hash(base), study, choices)
    found = sweep.compare(path.stem, study, wanted, _engine(path.stem, options.jobs, len(wanted)))
    words = Words(path.stem, whole, study, found, choices, options.command)
    written = draw(study, found, words, folder)
    if whole.tuned:
        written += draw_rates(path, narrowed(whole, options), choices, words, folder)
    table, score = report.rows(study, found, choices), words.task.score_title
    sentences = report.notes(study, words.facts)
    records.write(folder / "results.md", report.markdown(table, words.title("Results"), sentences, score))
    records.write(folder / "results.csv", report.as_csv(table, found))
    if words.task.classes:
        written += cases.write(study, found, words, folder)
    _show(table, words)
    names = ", ".join(path.name for path in written)
    print(f"Written to {folder}: {names}, results.md, results.csv.")


def draw(study: Study, found: Sequence[Record], words: Words, folder: Path) -> list[Path]:
    """Draws every figure of a comparison; returns the files."""
    styles = {entry.label: entry.style for entry in study.optimizers}
    sizes = datasets.CARDS[study.data].sizes
    return [
        path
        for curve in figures.curves_of(words.task)
        for path in figures.draw_curves(
            curve,
            figures.table_of(found, curve),
            styles,
            words.caption(curve.words),
            folder,
            curve.step or 1 / sizes[curve.column.split("_")[0]],
        )
    ]


def draw_rates(
    path: Path, study: Study, choices: Mapping[str, selection.Choice], words: Words, folder: Path
) -> list[Path]:
    """Draws the evidence that the learning rates rest on; returns the files."""
    evidence = selection.trials_of(selection.paths(path)[1].read_text(encoding="utf-8"))
    labels = [entry.label for entry in study.optimizers]
    trials = [trial for trial in evidence if trial.label in labels]
    return figures.draw_rates(study, trials, choices, words.of_tuning(), folder)


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


def _show(table: Sequence[report.Row], words: Words) -> None:
    """Prints the result table."""
    grid = Table(title=words.title("Results"), caption="\n".join(words.lines))
    for heading in report.headings(words.task.score_title):
        grid.add_column(heading)
    for row in table:
        grid.add_row(*report.cells(row))
    Console(width=None if sys.stdout.isatty() else 150).print(grid)
