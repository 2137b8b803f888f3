"""`python -m experiments reproduce`: makes the runs of a study with known results, and sets ours beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments import config, tasks
from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.asked import Asked, Options

FILE = "reproduction.md"


def run(options: Options) -> int:
    """Makes the runs that are missing, problem by problem, and writes and prints the table of each.

    Returns:
        0 when nothing differs from what is published, else 1.

    Raises:
        UserError: nothing is known of a problem, or runs could not be made.
    """
    from experiments import asked, commands

    every = asked.asked_of(options)
    for one in every:
        _known(one)
    for one in every:
        commands.make(one, options.jobs)
    return int(not all([_tell(one) for one in every]))


def _known(asked: Asked) -> None:
    """Refuses a problem with neither published results nor a known minimum."""
    from experiments.reproduce.published import PUBLISHED

    task = tasks.get(asked.study.task)
    if task.name not in PUBLISHED and not task.toy:
        there = [name for name in config.names() if _has_known(name)]
        raise UserError(f"Of the problem {task.name} no results are known; studies that have some: {', '.join(there)}.")


def _has_known(name: str) -> bool:
    from experiments.reproduce.published import PUBLISHED

    path = config.find(name)
    return all(
        study.task in PUBLISHED or tasks.get(study.task).toy for _, study in config.each(path, config.load(path))
    )


def _tell(asked: Asked) -> bool:
    """Writes and prints the table of one problem; returns whether it agrees with what is published."""
    from experiments import files, report
    from experiments.reproduce import minima, published

    task = tasks.get(asked.study.task)
    found = report.opened(asked.name, asked.path, asked.wanted)
    agrees = True
    if task.name in published.PUBLISHED:
        rows = published.beside(task, found)
        agrees = all(row.agrees for row in rows)
        lines = published.markdown(rows, f"test {task.score_title}")
    else:
        lines = minima.markdown(minima.outcomes([entry.label for entry in asked.study.optimizers], found))
    text = "\n".join([f"# {task.title}", "", *lines, ""])
    asked.folder.mkdir(parents=True, exist_ok=True)
    files.write(asked.folder / FILE, text)
    print(f"{text}\nWritten to {asked.folder / FILE}.")
    return agrees
