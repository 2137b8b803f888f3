"""What there is to choose from: `python -m experiments list`."""

from __future__ import annotations

from collections.abc import Mapping

from experiments import optimizers, studies, terminal
from experiments.problems import datasets, tasks
from experiments.tuning import selection


def show() -> None:
    """Prints the studies, data sets, tasks and optimizers there are."""
    _print("studies", {name: _of_study(name) for name in studies.names()})
    _print("data sets", {card.name: f"{card.title}, version {card.version}" for card in datasets.CARDS.values()})
    _print("tasks", {name: tasks.get(name).title for name in tasks.names()})
    print("optimizers")
    terminal.say("  " + " ".join(optimizers.available()), 2)


def _of_study(name: str) -> str:
    path = studies.find(name)
    study = studies.load(path)
    each = studies.each(path, study)
    count = len(each) * len(study.optimizers) * len(study.seeds)
    there = not study.tuned or all(selection.paths(of_path)[0].is_file() for of_path, _ in each)
    what = ", ".join(f"{problem.task} on {problem.data}" for _, problem in each)
    return f"{study.title}: {what}, {count} runs, {'rates chosen' if there else 'rates not chosen yet'}"


def _print(title: str, lines: Mapping[str, str]) -> None:
    width = max(map(len, lines))
    print(title)
    for name, words in lines.items():
        terminal.say(f"  {name:<{width}}  {words}", width + 4)
