"""What there is to choose from: `python -m experiments list`."""

from __future__ import annotations

from experiments import config, datasets, library, selection, tasks


def show() -> None:
    """Prints the studies, data sets, tasks and optimizers there are."""
    print("studies")
    for name in config.names():
        path = config.find(name)
        study = config.load(path)
        each = config.each(path, study)
        count = len(each) * len(study.optimizers) * len(study.seeds)
        there = not study.tuned or all(selection.paths(of_path)[0].is_file() for of_path, _ in each)
        chosen = "rates chosen" if there else "rates not chosen yet"
        what = ", ".join(f"{problem.task} on {problem.data}" for _, problem in each)
        print(f"  {name:<12} {study.title}: {what}, {count} runs, {chosen}")
    print("data sets")
    for card in datasets.CARDS.values():
        print(f"  {card.name:<12} {card.title}, version {card.version}")
    print("tasks")
    for name in tasks.names():
        print(f"  {name:<12} {tasks.get(name).title}")
    print("optimizers\n  " + " ".join(library.available()))
