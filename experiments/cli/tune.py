"""The commands around a comparison: tune (hyperparameters), target (the score to reach), time (of steps), find-lr."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from pathlib import Path
from typing import Any

from experiments import optimizers, studies, terminal
from experiments.cli import execution
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.cli.request import Options, options_of, requests
from experiments.cli.study import CONTINUE, tuned
from experiments.errors import UserError, unknown
from experiments.problems import datasets, seeds, tasks
from experiments.records import timings
from experiments.running import sweep, timing_pass
from experiments.studies import Study
from experiments.tuning import selection, targets
from experiments.tuning.range_test import MOST_STEPS, WINDOW, Plan, read_off, sentences


def tune(given: argparse.Namespace, typed: str) -> None:
    """Chooses hyperparameters for a study, and writes its selection and evidence."""
    for path, problem in tuned(given.study):
        _tune(path, problem, options_of(given, typed))


def _tune(path: Path, study: Study, options: Options) -> None:
    """Tunes on one problem."""
    if options.dry_run:
        runs, _ = sweep.searched(path.stem, study)
        execution.print_estimate(path.stem, runs, options, " A best point at the edge of its search adds more.")
        return
    datasets.require(datasets.CARDS[study.data])
    choices = sweep.tune(path, study, execution.engine(path.stem, options, len(study.optimizers)))
    task = tasks.get(study.task)
    for label, choice in choices.items():
        edge = "; the best lies at the edge of the search" if choice.boundary else ""
        score = task.merit(choice.validation_score)
        terminal.say(
            f"{label}: {choice.learning_rate:g}, validation {task.score_title} {score:.4g}, "
            f"out of {choice.window[0]:g} to {choice.window[1]:g}{edge}"
        )
    terminal.say("Written to " + " and ".join(os.path.relpath(p) for p in selection.paths(path)))


def target(given: argparse.Namespace, typed: str) -> None:
    """Sets the score that counts as solved by a pool of tuned optimizers, and writes it next to the study."""
    options, path = options_of(given, typed), studies.find(given.study)
    for own, study in studies.each(path, studies.load(path)):
        if options.dry_run:
            pool = targets.paths(own)[0].stem
            runs, _ = sweep.searched(pool, targets.pool(study))
            execution.print_estimate(pool, runs, options, " Then the best of the pool runs with seeds of its own.")
            continue
        datasets.require(datasets.CARDS[study.data])
        made = sweep.set_target(own, study, execution.engine(own.stem, options, len(targets.POOL)))
        terminal.say(f"{study.task} on {study.data}: {made.words}")
        terminal.say(f"Written to {os.path.relpath(targets.paths(own)[1])}, next to the choices of the pool.")


def time(given: argparse.Namespace, typed: str) -> None:
    """Measures the missing step times of a study, problem by problem, and prints them."""
    from experiments.analysis import timing_table

    options = options_of(given, typed)
    for request in requests(dataclasses.replace(options, epochs=None)):
        whole, part = request.wanted[0].study, request.study
        wanted = timing_pass.runs(whole, part, request.choices, options.repetitions, options.epochs)
        timing_pass.make(request.name, wanted, again=options.again, dry_run=options.dry_run)
        if options.dry_run:
            continue
        labels = [entry.label for entry in request.whole.optimizers]
        found = timings.recorded(request.name, whole, labels)
        for line in timing_table.lines(timing_table.rows(found, request.whole)):
            terminal.say(line, 2)
        if reason := timings.refused(found, labels, studies.typed(request.path)):
            terminal.say(reason)


def find_lr(given: argparse.Namespace, typed: str) -> None:
    """Runs a range test, writes figure and numbers, and prints the suggested rates."""
    from experiments.figures import find_lr
    from experiments.running.range_test import measure

    wanted = plan(given)
    datasets.require(datasets.CARDS[wanted.data])
    terminal.start_tensorflow()
    found = measure(wanted)
    reading = read_off(wanted.rates, [average for _, average in found])
    written = find_lr.draw(wanted, found, reading, given.out, typed)
    for sentence in sentences(wanted, found, reading):
        terminal.say(sentence)
    terminal.say(f"Written to {given.out}: {', '.join(path.name for path in written)}.")


def plan(given: argparse.Namespace) -> Plan:
    """Returns the plan of a range test.

    Raises:
        UserError: a name is not known, or numbers do not fit together.
    """
    study = None if given.study in tasks.names() else studies.load(studies.find(given.study))
    name = given.study if study is None else Path(given.study).stem
    data = given.data or (datasets.EMBEDDED if study is None else study.data)
    if data not in datasets.CARDS:
        raise unknown("data set", data, datasets.CARDS)
    optimizer, hyperparameters = given.optimizer.lower(), dict[str, Any]()
    for entry in () if study is None else study.optimizers:
        if entry.label.lower() == optimizer:
            optimizer, hyperparameters = entry.optimizer, dict(entry.hyperparameters)
    if optimizer not in optimizers.available():
        raise unknown("optimizer", given.optimizer, optimizers.available())
    if given.low >= given.high:
        raise UserError(f"--low must be less than --high, got {given.low:g} and {given.high:g}.")
    task = given.study if study is None else study.task
    batch_size = 128 if study is None else study.batch_size
    return Plan(
        name, task, data, optimizer, hyperparameters, batch_size,
        given.low, given.high, given.steps, given.linear, given.seed,
    )  # fmt: skip


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got '{text}'")
    return value


COMMANDS = (
    Command(
        "tune",
        "study",
        "choose the learning rates of a study on validation data",
        tune,
        (shared.study(), *shared.EXECUTION),
        (("mnist", "choose the learning rates again"), ("mnist --dry-run", "number of runs, and their time")),
        interrupted=CONTINUE,
    ),
    Command(
        "target",
        "study",
        "set the score that counts as solved, by a pool of tuned optimizers",
        target,
        (shared.study(), *shared.EXECUTION),
        (("mnist", "set the score that counts as solved"), ("mnist --dry-run", "number of runs, and their time")),
        interrupted=CONTINUE,
    ),
    Command(
        "time",
        "study",
        "measure the seconds of steps, one short run after the other, for the report",
        time,
        (
            shared.study(),
            option(
                "--repetitions",
                type=shared.count,
                default=5,
                metavar="N",
                help="runs of each optimizer (default: 5; fewer break a rule)",
            ),
            option(
                "--epochs",
                type=shared.count,
                metavar="N",
                help="length of a run; the first epoch of several is a warm-up (default: 3)",
            ),
            shared.OPTIMIZERS,
            option("--again", action="store_true", help="discard recorded times, and measure again"),
            shared.DRY_RUN,
        ),
        (
            ("mnist", "seconds a step, on an idle machine"),
            ("mnist --dry-run", "number of runs, and their time"),
            ("mnist --epochs 2", "shorter runs"),
            ("mnist --again", "measure again, since the machine was busy"),
        ),
        "Each run is short, has a process of its own and the machine to itself, at the chosen learning rate; the\n"
        "optimizers take turns. Seconds in reports come from these runs alone. Close other programs first.",
        interrupted=CONTINUE,
    ),
    Command(
        "find-lr",
        "checks",
        "find the range of learning rates in which an optimizer makes progress",
        find_lr,
        (
            option("study", nargs="?", default="mnist", help="a study, a .toml, or a task (default: mnist)"),
            option("--optimizer", default="momentum", metavar="NAME", help="any optimizer (default: momentum)"),
            option("--low", type=_rate, default=1e-5, metavar="RATE", help="first rate (default: 1e-5)"),
            option("--high", type=_rate, default=10.0, metavar="RATE", help="last rate (default: 10)"),
            option(
                "--steps",
                type=shared.whole(2 * WINDOW, MOST_STEPS),
                default=300,
                metavar="N",
                help="steps, one rate each (default: 300)",
            ),
            option("--linear", action="store_true", help="rates at equal differences instead of equal ratios"),
            option(
                "--seed",
                type=shared.whole(seeds.TUNING.start, seeds.TUNING.stop - 1, "a tuning seed"),
                default=seeds.TUNING.start,
                metavar="N",
                help="a tuning seed (default: 1000)",
            ),
            option("--data", metavar="NAME", help="another data set"),
            option("--out", type=Path, default=Path("static"), metavar="FOLDER", help="folder (default: static)"),
        ),
        (
            ("mnist", "the range of momentum, for cyclic rates"),
            ("mnist --optimizer adam --high 1", "the range of Adam, up to a rate of 1"),
        ),
    ),
)
