"""`python -m experiments find-lr`: its options, and what it prints and writes."""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import environment, optimizers, studies, terminal
from experiments.errors import UserError, unknown
from experiments.problems import datasets, seeds, tasks
from experiments.running.range_test import measure
from experiments.tuning.range_test import KEEP, MOST_STEPS, WINDOW, Plan, Reading, read_off, sentences


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `find-lr` takes."""
    add = parser.add_argument
    add("study", nargs="?", default="mnist", help="a study, the path of a .toml, or a task (default: mnist)")
    add("--optimizer", default="momentum", metavar="NAME", help="an entry of the study, or any (default: momentum)")
    add("--low", type=_rate, default=1e-5, metavar="RATE", help="first rate (default: 1e-5)")
    add("--high", type=_rate, default=10.0, metavar="RATE", help="last rate (default: 10)")
    add("--steps", type=_steps, default=300, metavar="N", help="steps, one rate each (default: 300)")
    add("--linear", action="store_true", help="let the rate grow by equal differences instead of equal ratios")
    add("--seed", type=_seed, default=seeds.TUNING.start, metavar="N", help="one of the tuning seeds (default: 1000)")
    add("--data", metavar="NAME", help="another data set")
    add("--out", type=Path, default=Path("static"), metavar="FOLDER", help="where the files go (default: static)")


def run(given: argparse.Namespace, command: str) -> int:
    """Tests, writes figure and numbers, and says which rates are suggested."""
    wanted = plan(given)
    datasets.require(datasets.CARDS[wanted.data])
    terminal.start_tensorflow()
    found = measure(wanted)
    reading = read_off(wanted.rates, [average for _, average in found])
    written = draw(wanted, found, reading, given.out, command)
    for sentence in sentences(wanted, found, reading):
        terminal.say(sentence)
    terminal.say(f"Written to {given.out}: {', '.join(path.name for path in written)}.")
    return 0


def draw(
    plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None, folder: Path, command: str
) -> list[Path]:
    """Draws the losses of a test, and writes PNG, SVG and CSV.

    Args:
        plan: what was tested.
        found: loss and average of each step.
        reading: what is suggested, if anything.
        folder: where the files go.
        command: what was typed.
    """
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
    """Returns what the command line asks for.

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


def _steps(text: str) -> int:
    if not text.isdecimal() or not 2 * WINDOW <= int(text) <= MOST_STEPS:
        raise argparse.ArgumentTypeError(f"must be a whole number from {2 * WINDOW} to {MOST_STEPS}, got '{text}'")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) not in seeds.TUNING:
        low, high = seeds.TUNING.start, seeds.TUNING.stop - 1
        raise argparse.ArgumentTypeError(f"must be a tuning seed, {low} to {high}, got '{text}'")
    return int(text)
