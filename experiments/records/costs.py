"""What each optimizer cost (rule B23), read from the folders of its runs: widened searches and failed attempts too."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from experiments.records import files, run_folder
from experiments.studies.runs import Run

Costs = dict[tuple[str, str], "Cost"]


@dataclasses.dataclass(frozen=True)
class Cost:
    """What was spent on some runs.

    Attributes:
        runs: with a result; a run that diverged has one.
        widened: how many of them are of searches that were widened.
        failed: attempts without a result, such as those that were interrupted or killed.
        steps: of the optimizer, those of failed attempts too.
        gradients: of single examples, those of failed attempts too.
        seconds: of one core, compiling and evaluating among them; of a failed attempt those of training, which it had
            told. NaN where the records are not here.
    """

    runs: int = 0
    widened: int = 0
    failed: int = 0
    steps: int = 0
    gradients: int = 0
    seconds: float = 0.0
    widened_gradients: int = dataclasses.field(default=0, compare=False)  # parts of the two above, by `parted`
    widened_seconds: float = dataclasses.field(default=0.0, compare=False)
    failed_gradients: int = dataclasses.field(default=0, compare=False)
    failed_seconds: float = dataclasses.field(default=0.0, compare=False)

    def parted(self) -> Cost:
        """Returns the cost of one run or one attempt, its gradients and seconds also those of the part it is in."""
        part = "failed" if self.failed else "widened" if self.widened else ""
        told: dict[str, Any] = {f"{part}_gradients": self.gradients, f"{part}_seconds": self.seconds} if part else {}
        return dataclasses.replace(self, **told)

    def __add__(self, other: Cost) -> Cost:
        """Returns what both cost together."""
        return Cost(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


def read(folders: Iterable[Path]) -> Costs:
    """Returns what is recorded in the folders of studies, by kind of run and label.

    Test scores stay closed; runs whose specification cannot be read cost nobody anything.
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
    """Returns what the run of a record cost, without attempts before it."""
    last, threads = record.evaluations[-1], record.environment.get("threads_per_worker", 1)
    return Cost(
        runs=1,
        widened=int(record.run.point.get("widenings", 0) > 0),
        steps=last["step"],
        gradients=last["example_gradients"],
        seconds=threads * record.summary.get("seconds_in_all", last["seconds"]),
    )


def _of_folder(place: Path) -> Cost:
    record = run_folder.read(place)
    counted = (place / "DONE").read_text(encoding="utf-8").split()[0] if record else ""
    cost = Cost()
    for path in sorted(place.glob("metrics-*.jsonl")):
        lines = files.lines_of(path)[0]
        if record is None or path.stem != f"metrics-{counted}":
            cost += _of_attempt(lines)
        else:
            # What the attempt before it had done is counted there.
            begun = _at(lines, _resumed(lines))
            whole = of(record)
            cost += dataclasses.replace(
                whole, steps=whole.steps - begun.steps, gradients=whole.gradients - begun.gradients
            ).parted()
    return cost


def _of_attempt(lines: list[dict[str, Any]]) -> Cost:
    """Returns what an attempt without a result spent, from where it went on to what it told last."""
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
    """Returns what had been spent at the evaluation after some steps, or at the last one; nothing without one."""
    told = [line for line in lines if "step" in line and step in (None, line["step"])]
    if not told:
        return Cost()
    last = told[-1]
    return Cost(steps=last["step"], gradients=last["example_gradients"], seconds=last["seconds"])
