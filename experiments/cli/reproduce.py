"""`python -m experiments reproduce`: makes the runs of a study with known results, and sets ours beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments import studies
from experiments.errors import UserError
from experiments.problems import tasks

if TYPE_CHECKING:
    from experiments.cli.request import Asked, Options

FILE = "reproduction.md"


def run(options: Options) -> int:
    """Makes the runs that are missing, problem by problem, and writes and prints the table of each.

    Returns:
        0 when nothing differs from what is published, else 1.

    Raises:
        UserError: nothing is known of a problem, or runs could not be made.
    """
    from experiments.cli import commands, request

    path = studies.find(options.study)
    unknown = _unknown(path)
    if unknown:
        there = ", ".join(name for name in studies.names() if not _unknown(studies.find(name)))
        raise UserError(f"Of the problem {unknown[0]} no results are known; studies of which some are: {there}.")
    every = request.asked_of(options)
    for one in every:
        commands.make(one, options)
    agreed = [_tell(one, options.command) for one in every]
    return int(not all(agreed))


def _unknown(path: Path) -> list[str]:
    """Returns the problems of a study with neither published results nor a known minimum."""
    from experiments.analysis.published import PUBLISHED

    names = [study.task for _, study in studies.each(path, studies.load(path))]
    return [name for name in names if name not in PUBLISHED and not tasks.get(name).toy]


def _tell(asked: Asked, command: str) -> bool:
    """Writes and prints the table of one problem; returns whether it agrees with what is published."""
    from experiments import report
    from experiments.analysis import minima, published
    from experiments.records import files

    task = tasks.get(asked.study.task)
    found = report.opened(asked.name, asked.path, asked.wanted)
    agrees = True
    if task.name in published.PUBLISHED:
        rows = published.beside(task, found)
        agrees = all(row.agrees for row in rows)
        lines = published.markdown(rows, f"test {task.score_title}")
    else:
        lines = minima.markdown(minima.outcomes([entry.label for entry in asked.study.optimizers], found))
    made = found[0].environment
    versions = f"TensorFlow {made['tensorflow']}, Keras {made['keras']}, {made['system']}, commit {made['commit']}"
    origin = f"Study {asked.name} {found[0].run.study[:8]}; {versions}; made by: {command}"
    text = "\n".join([f"# {task.title}", "", *lines, "", origin, ""])
    asked.folder.mkdir(parents=True, exist_ok=True)
    files.write(asked.folder / FILE, text)
    print(f"{text}\nWritten to {asked.folder / FILE}.")
    return agrees
