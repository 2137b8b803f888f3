"""The command find-lr: a range of learning rates, its figure and its numbers."""

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import environment, machine, optimizers, studies
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.errors import UserError, unknown
from experiments.problems import datasets, seeds, tasks
from experiments.running.range_test import measure
from experiments.text import say
from experiments.tuning.range_test import KEEP, MOST_STEPS, WINDOW, Plan, Reading, read_off, sentences


def find_lr(given: argparse.Namespace, typed: str) -> None:
    """Runs a range test, writes figure and numbers, and prints the suggested rates."""
    wanted = plan(given)
    datasets.require(datasets.CARDS[wanted.data])
    machine.start_tensorflow()
    found = measure(wanted)
    reading = read_off(wanted.rates, [average for _, average in found])
    written = draw(wanted, found, reading, given.out, typed)
    for sentence in sentences(wanted, found, reading):
        say(sentence)
    say(f"Written to {given.out}: {', '.join(path.name for path in written)}.")


def draw(
    plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None, folder: Path, command: str
) -> list[Path]:
    """Draws the losses and averages of a test with the suggested rates, if any, and writes PNG, SVG and CSV."""
    from experiments.figures import canvas, illustrations

    marks = {} if reading is None else {"base": reading.base, "max": reading.peak}
    test = illustrations.Range(plan.low, plan.high, plan.linear, marks, WINDOW)
    context = canvas.Context(canvas.Caption(*_words(plan, found, reading, command)))
    fixed = {"data": plan.data, "model": plan.task, "optimizer": plan.optimizer, "seed": plan.seed}
    rows = [
        {**fixed, "step": step, "learning_rate": rate, "loss": loss, "smoothed_loss": average}
        for step, (rate, (loss, average)) in enumerate(zip(plan.rates, found, strict=False))
    ]
    draw = functools.partial(illustrations.draw_range, test=test)
    return canvas.write(draw, rows, context, folder, f"find_lr_{plan.name}_{plan.optimizer}")


def _words(
    plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None, command: str
) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    """Returns title, lines, footer and description of the figure."""
    title = f"Learning-rate range test: {plan.optimizer} on {tasks.get(plan.task).title}, {plan.data}"
    how = (
        f"One training from one initialisation (seed {plan.seed}), the rate growing at each step. Dot: a mini-batch of "
        f"{plan.batch_size}; line: moving average that forgets {1 - KEEP:.0%} a step."
    )
    lines = how, " ".join(sentences(plan, found, reading))
    made = environment.describe(1)
    versions = f"commit {made['commit']}, TensorFlow {made['tensorflow']}, Keras {made['keras']}, {made['system']}"
    return title, lines, (versions, f"drawn by: {command}"), " ".join((f"{title}.", *lines))


def plan(given: argparse.Namespace) -> Plan:
    """Returns the plan of a range test; refuses unknown names, and numbers that do not fit together."""
    study = None if given.study in tasks.names() else studies.load(studies.find(given.study))
    name = given.study if study is None else Path(given.study).stem
    data = given.data or (datasets.EMBEDDED if study is None else study.data)
    if data not in datasets.CARDS:
        raise unknown("data set", data, datasets.CARDS)
    optimizer, hyperparameters = given.optimizer.lower(), dict[str, Any]()
    for entry in () if study is None else study.optimizers:
        if given.optimizer.lower() in (entry.label.lower(), entry.optimizer.lower()):
            optimizer, hyperparameters = entry.optimizer, dict(entry.hyperparameters)
    if optimizer not in optimizers.available() and optimizer not in optimizers.OUTSIDE:
        raise unknown("optimizer", given.optimizer, optimizers.available())
    if why := optimizers.refusal(optimizer):
        raise UserError(why)
    if given.low >= given.high:
        raise UserError(f"--low must be less than --high, got {given.low:g} and {given.high:g}.")
    task = given.study if study is None else study.task
    batch_size = 128 if study is None else study.batch_size
    return Plan(
        name, task, data, optimizer, hyperparameters, batch_size,
        given.low, given.high, given.steps, given.linear, given.seed, "" if study is None else study.folder,
    )  # fmt: skip


RATE = shared.number("a number above 0", lambda value: value > 0)
COMMANDS = (
    Command(
        "find-lr",
        "checks",
        "find the range of learning rates in which an optimizer makes progress",
        find_lr,
        (
            option("study", nargs="?", default="mnist", help="a study, a .toml, or a task (default: mnist)"),
            option("--optimizer", default="momentum", metavar="NAME", help="any optimizer (default: momentum)"),
            option("--low", type=RATE, default=1e-5, metavar="RATE", help="first rate (default: 1e-5)"),
            option("--high", type=RATE, default=10.0, metavar="RATE", help="last rate (default: 10)"),
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
