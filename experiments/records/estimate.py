"""How long runs will take, from the recorded ones that are most like them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.records import run_folder
from experiments.studies.runs import Run
from experiments.text import clock

Pace = tuple[float, float]  # seconds of a pass with its evaluation, and of compiling


def paces(root: Path) -> dict[tuple[str, ...], list[Pace]]:
    """Returns how long recorded runs took, by what they have in common with others: most first."""
    found: dict[tuple[str, ...], list[Pace]] = {}
    for mark in root.glob("*/trials/*/*/DONE"):
        record = run_folder.read(mark.parent)
        if record is None or not record.evaluations[-1]["epoch"]:
            continue
        seconds = float(record.summary.get("seconds_in_all", record.evaluations[-1]["seconds"]))
        pace = seconds / record.evaluations[-1]["epoch"], float(record.summary.get("seconds_compiling", 0.0))
        for key in _keys(record.run):
            found.setdefault(key, []).append(pace)
    return found


def seconds(runs: Sequence[Run], known: Mapping[tuple[str, ...], Sequence[Pace]], workers: int) -> float | None:
    """Returns the seconds that runs will take, or None when nothing like one of them is recorded.

    Args:
        runs: the runs to come.
        known: from `paces`.
        workers: runs at once.
    """
    total, compiled = 0.0, set()
    for run in runs:
        like = next((known[key] for key in _keys(run) if key in known), None)
        if like is None:
            return None
        total += run.epochs * statistics.median(pace for pace, _ in like)
        if run.program not in compiled:
            compiled.add(run.program)
            total += statistics.median(compiling for _, compiling in like)
    return total / max(1, min(workers, len(runs)))


def sentence(name: str, runs: Sequence[Run], missing: Sequence[Run], root: Path, workers: int) -> str:
    """Returns how many runs there are, how many are missing, and about how long those will take."""
    counted = f"{name}: {len(runs)} runs, {len(runs) - len(missing)} recorded, {len(missing)} to make"
    if not missing:
        return f"{counted}."
    expected = seconds(missing, paces(root), workers)
    if expected is None:
        return f"{counted}; how long that takes is not known, since nothing like it is recorded."
    return f"{counted}; about {clock(expected)} with {min(workers, len(missing))} at once."


def _keys(run: Run) -> list[tuple[str, ...]]:
    size = str(run.batch_size)
    problem = (run.task, run.data, run.kind)
    return [("program", run.program), ("optimizer", *problem, run.optimizer, run.batch, size), ("task", *problem, size)]
