"""Costs of recorded runs (rule B23), widened searches and failed attempts included; and estimates for runs to come."""

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from experiments.records import files, run_folder
from experiments.studies.runs import Run
from experiments.text import clock

Costs = dict[tuple[str, str], "Cost"]
Pace = tuple[float, float]  # seconds of an epoch with its evaluation, and of compiling


@dataclasses.dataclass(frozen=True)
class Cost:
    """Cost of some runs."""

    runs: int = 0  # with a result, which a diverged run has
    widened: int = 0  # number of those that belong to widened searches
    failed: int = 0  # attempts without a result, such as interrupted or killed ones
    steps: int = 0  # of the optimizer, failed attempts included
    gradients: int = 0  # of single examples, failed attempts included
    # of one core, compiling and evaluating included; of a failed attempt, the recorded seconds of training. NaN if the
    # records are not on this machine.
    seconds: float = 0.0
    widened_gradients: int = dataclasses.field(default=0, compare=False)  # shares of the two above, set by `parted`
    widened_seconds: float = dataclasses.field(default=0.0, compare=False)
    failed_gradients: int = dataclasses.field(default=0, compare=False)
    failed_seconds: float = dataclasses.field(default=0.0, compare=False)

    def parted(self) -> Self:
        """Returns the cost of one run or attempt, with gradients and seconds also counted as failed or widened."""
        part = "failed" if self.failed else "widened" if self.widened else ""
        share: dict[str, Any] = {f"{part}_gradients": self.gradients, f"{part}_seconds": self.seconds} if part else {}
        return dataclasses.replace(self, **share)

    def __add__(self, other: Self) -> Self:
        return type(self)(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


def read(folders: Iterable[Path]) -> Costs:
    """Returns the recorded costs in the folders of studies, by kind of run and label.

    Test scores stay closed; runs with an unreadable specification are skipped.
    """
    found: Costs = {}
    for place in sorted(place for folder in folders for place in folder.glob("trials/*/*")):
        try:
            run = Run(**json.loads((place / "spec.json").read_text(encoding="utf-8")))
        except run_folder.UNREADABLE:
            continue
        key = run.kind, run.label
        found[key] = found.get(key, Cost()) + _of_folder(place)
    return found


def of(record: run_folder.Record) -> Cost:
    """Returns the cost of a recorded run, without earlier attempts."""
    last, threads = record.evaluations[-1], record.environment.get("threads_per_worker", 1)
    return Cost(
        runs=1,
        widened=int(record.run.point.get("widenings", 0) > 0),
        steps=last["step"],
        gradients=last["example_gradients"],
        seconds=threads * record.summary.get("seconds_in_all", last["seconds"]),
    )


def paces(root: Path) -> dict[tuple[str, ...], list[Pace]]:
    """Returns the durations of recorded runs, by what they share with other runs."""
    found: dict[tuple[str, ...], list[Pace]] = {}
    for record in run_folder.finished(root.glob("*")):
        if not record.evaluations[-1]["epoch"]:
            continue
        seconds = float(record.summary.get("seconds_in_all", record.evaluations[-1]["seconds"]))
        pace = seconds / record.evaluations[-1]["epoch"], float(record.summary.get("seconds_compiling", 0.0))
        for key in _keys(record.run):
            found.setdefault(key, []).append(pace)
    return found


def expected_seconds(
    runs: Sequence[Run], known: Mapping[tuple[str, ...], Sequence[Pace]], workers: int
) -> float | None:
    """Returns the expected seconds of runs, so many at the same time, or None if no similar run is known."""
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


def in_words(counted: str, seconds: float | None, how: str) -> str:
    """Returns a sentence on runs to be made and their expected time, None where that is unknown."""
    if seconds is None:
        return f"{counted}; the time is unknown: no similar run is recorded."
    return f"{counted}; about {clock(seconds)}{how}."


def estimate(name: str, runs: Sequence[Run], missing: Sequence[Run], root: Path, workers: int) -> str:
    """Returns a sentence on the numbers of runs and of missing runs, and the expected time for these."""
    counted = f"{name}: {len(runs)} runs, {len(runs) - len(missing)} recorded, {len(missing)} to make"
    if not missing:
        return f"{counted}."
    expected = expected_seconds(missing, paces(root), workers)
    return in_words(counted, expected, f" with {min(workers, len(missing))} at the same time")


def _of_folder(place: Path) -> Cost:
    record = run_folder.read(place)
    counted = (place / "DONE").read_text(encoding="utf-8").split()[0] if record else ""
    cost = Cost()
    for path in sorted(place.glob("metrics-*.jsonl")):
        lines = files.lines_of(path)[0]
        if record is None or path.stem != f"metrics-{counted}":
            cost += _of_attempt(lines)
        else:
            # The steps before the checkpoint are counted at the earlier attempt.
            begun = _at(lines, _resumed(lines))
            whole = of(record)
            cost += dataclasses.replace(
                whole, steps=whole.steps - begun.steps, gradients=whole.gradients - begun.gradients
            ).parted()
    return cost


def _of_attempt(lines: list[dict[str, Any]]) -> Cost:
    """Returns the cost of an attempt without a result, from its start or checkpoint to its last evaluation."""
    begun, ended = _at(lines, _resumed(lines)), _at(lines, None)
    return Cost(
        failed=1,
        steps=ended.steps - begun.steps,
        gradients=ended.gradients - begun.gradients,
        seconds=ended.seconds - begun.seconds,
    ).parted()


def _resumed(lines: list[dict[str, Any]]) -> int:
    return int(next((line["resumed_step"] for line in lines if "resumed_step" in line), 0))


def _at(lines: list[dict[str, Any]], step: int | None) -> Cost:
    """Returns the cost up to the evaluation after some steps, or to the last one; zero without one."""
    evaluated = [line for line in lines if "step" in line and step in (None, line["step"])]
    if not evaluated:
        return Cost()
    last = evaluated[-1]
    return Cost(steps=last["step"], gradients=last["example_gradients"], seconds=last["seconds"])


def _keys(run: Run) -> list[tuple[str, ...]]:
    size = str(run.batch_size)
    problem = (run.task, run.data, run.kind)
    return [("program", run.program), ("optimizer", *problem, run.optimizer, run.batch, size), ("task", *problem, size)]
