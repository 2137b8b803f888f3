"""What each command does, from the study to the files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from experiments import report as reports
from experiments import studies as config
from experiments import terminal
from experiments.cli import making
from experiments.cli.request import Asked, Options, asked_of
from experiments.errors import UserError, unknown
from experiments.problems import datasets, tasks
from experiments.records import costs, run_folder
from experiments.records import timings as reading
from experiments.report import printed
from experiments.running import sweep
from experiments.studies import Study, identity
from experiments.studies.runs import TUNING
from experiments.tuning import selection, targets


def compare(options: Options) -> None:
    """Makes the runs that are missing of a comparison and writes its report, problem by problem."""
    written = []
    for asked in asked_of(options):
        if options.dry_run:
            making.tell(asked.name, asked.wanted, options)
            continue
        make(asked, options)
        written.append(_report(asked, options))
    _overview(written, options)


def make(asked: Asked, options: Options) -> None:
    """Makes the runs that are missing of a comparison on one problem."""
    datasets.require(datasets.CARDS[asked.study.data])
    sweep.compare(asked.name, asked.study, asked.wanted, making.engine(asked.name, options, len(asked.wanted)))


def report(options: Options) -> None:
    """Writes the report of the runs that are recorded, and trains nothing."""
    _overview([_report(asked, options) for asked in asked_of(options)], options)


def _overview(written: Sequence[reports.Report], options: Options) -> None:
    """Writes the page over all problems of a study that has several."""
    if len(written) > 1:
        title, folder = config.load(config.find(options.study)).title, written[0].page.parent.parent
        if made := reports.write_overview(written, title, folder):
            printed.tell_files(made, folder)


def _report(asked: Asked, options: Options) -> reports.Report:
    found = reports.opened(asked.name, asked.path, asked.wanted)
    goal, origin = options.target, ""
    if goal is None and asked.target is not None:
        goal, origin = asked.target.value, asked.target.words
    timings = reading.recorded(asked.name, asked.wanted[0].study, [entry.label for entry in asked.study.optimizers])
    evidence = reports.Evidence(
        asked.name,
        asked.study,
        asked.wanted,
        found,
        asked.choices,
        _trials(asked),
        asked.whole,
        options.command,
        goal,
        origin,
        _costs(asked),
        timings,
        config.typed(asked.path),
    )
    made = reports.write(evidence, asked.path, asked.folder)
    printed.show(made, wide=options.wide)
    printed.tell_files(made.files, asked.folder)
    return made


def _costs(asked: Asked) -> costs.Costs:
    """Returns what was spent, by the records here; on a choice whose records are elsewhere, by its evidence."""
    evidence, made_for = selection.paths(asked.path)[1], identity.tuning_hash(asked.whole)
    told: costs.Costs = {}
    if asked.study.tuned and evidence.is_file():
        text = evidence.read_text(encoding="utf-8")
        told = {(TUNING, label): cost for label, cost in selection.costs_of(text, asked.whole).items()}
    studies = sorted({made_for, asked.wanted[0].study})
    return {**told, **costs.read(run_folder.ROOT / f"{asked.name}-{study[:8]}" for study in studies)}


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
    if options.dry_run:
        runs, _ = sweep.searched(path.stem, study)
        making.tell(path.stem, runs, options, " A best point at the edge of its search calls for more.")
        return
    datasets.require(datasets.CARDS[study.data])
    choices = sweep.tune(path, study, making.engine(path.stem, options, len(study.optimizers)))
    task = tasks.get(study.task)
    for label, choice in choices.items():
        edge = "; the best lies at the edge of what was tried" if choice.boundary else ""
        score = task.merit(choice.validation_score)
        terminal.say(
            f"{label}: {choice.learning_rate:g}, validation {task.score_title} {score:.4g}, "
            f"out of {choice.window[0]:g} to {choice.window[1]:g}{edge}"
        )
    terminal.say("Written to " + " and ".join(os.path.relpath(p) for p in selection.paths(path)))


def target(options: Options) -> None:
    """Sets the validation score that counts as solved by a pool of tuned optimizers, and writes it beside the study."""
    path = config.find(options.study)
    for own, study in config.each(path, config.load(path)):
        if options.dry_run:
            pool = targets.paths(own)[0].stem
            runs, _ = sweep.searched(pool, targets.pool(study))
            making.tell(pool, runs, options, " Then the best of the pool runs with seeds of its own.")
            continue
        datasets.require(datasets.CARDS[study.data])
        made = sweep.set_target(own, study, making.engine(own.stem, options, len(targets.POOL)))
        terminal.say(f"{study.task} on {study.data}: {made.words}")
        terminal.say(f"Written to {os.path.relpath(targets.paths(own)[1])}, beside what the pool chose.")


def prepare(name: str, path: Path) -> None:
    """Reads in a data set that the user downloaded, and says what it has.

    Raises:
        UserError: there is none of that name, or its files are not what they must be.
    """
    if name not in datasets.CARDS:
        raise unknown("data set", name, datasets.CARDS)
    from experiments.problems.datasets.load import take

    card = take(name, path)
    for split, patients in card.patients.items():
        terminal.say(f"{split}: {card.sizes[split]:,} slices of {len(patients)} patients ({', '.join(patients)})")
    for remark in card.remarks:
        terminal.say(f"note: {remark}.")


def interrupted(options: Options) -> str:
    """Returns the sentence that says how to go on after an interruption."""
    command = options.command.replace(" --again", "")  # which would take again what it has taken
    return f"Interrupted; the finished runs are kept, and the same command goes on: {command}"
