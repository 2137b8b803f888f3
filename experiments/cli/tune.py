"""The commands around a comparison: tune (hyperparameters), target (the score to reach), time (of steps)."""

import argparse
import dataclasses
import os
from pathlib import Path

from experiments import studies
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.cli.request import Options, engine_of, options_of, print_estimate, requests
from experiments.cli.study import CONTINUE, tuned
from experiments.problems import datasets, tasks
from experiments.records import timings
from experiments.running import sweep, timing_pass
from experiments.studies import Study
from experiments.text import say
from experiments.tuning import selection, targets


def tune(given: argparse.Namespace, typed: str) -> None:
    """Chooses hyperparameters for a study, and writes its selection and evidence."""
    for path, problem in tuned(given.study):
        choose(path, problem, options_of(given, typed))


def choose(path: Path, study: Study, options: Options) -> None:
    """Chooses the hyperparameters of a study of one problem, writes and prints them; or prints what that takes."""
    if options.dry_run:
        runs, _ = sweep.searched(path.stem, study)
        print_estimate(path.stem, runs, options, " A best point at the edge of its search adds more.")
        return
    datasets.require(datasets.CARDS[study.data])
    choices = sweep.tune(path, study, engine_of(path.stem, options, len(study.optimizers)))
    task = tasks.get(study.task)
    for label, choice in choices.items():
        edge = "; the best lies at the edge of the search" if choice.boundary else ""
        score = task.merit(choice.validation_score)
        say(
            f"{label}: {choice.learning_rate:g}, validation {task.score_title} {score:.4g}, "
            f"out of {choice.window[0]:g} to {choice.window[1]:g}{edge}"
        )
    say("Written to " + " and ".join(os.path.relpath(p) for p in selection.paths(path)))


def target(given: argparse.Namespace, typed: str) -> None:
    """Sets the score that counts as solved by a pool of tuned optimizers, and writes it next to the study."""
    options, path = options_of(given, typed), studies.find(given.study)
    for own, study in studies.each(path, studies.load(path)):
        if options.dry_run:
            pool = targets.paths(own)[0].stem
            runs, _ = sweep.searched(pool, targets.pool(study))
            print_estimate(pool, runs, options, " Then the best of the pool runs with seeds of its own.")
            continue
        datasets.require(datasets.CARDS[study.data])
        made = sweep.set_target(own, study, engine_of(own.stem, options, len(targets.POOL)))
        say(f"{study.task} on {study.data}: {made.words}")
        say(f"Written to {os.path.relpath(targets.paths(own)[1])}, next to the choices of the pool.")


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
            say(line, 2)
        if reason := timings.refused(found, labels, studies.typed(request.path)):
            say(reason)


COMMANDS = (
    Command(
        "tune",
        "study",
        "choose the hyperparameters of a study on validation data",
        tune,
        (shared.study(), *shared.EXECUTION),
        (("mnist", "choose them again"), ("mnist --dry-run", "number of runs, and their time")),
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
)
