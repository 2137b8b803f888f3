"""What each optimizer cost (rule B23), read from the folders of its runs: widened searches and failed attempts too."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments import files, records
from experiments.runs import Run

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
        except records.UNREADABLE:
            continue
        key = run.kind, run.label
        found[key] = found.get(key, Cost()) + _of_folder(place, run)
    return found


def steps(batch: str, batch_size: int, evaluation: Mapping[str, Any]) -> int:
    """Returns the optimizer's steps up to an evaluation; where it does not tell them, they follow from whole passes.

    Args:
        batch: `mini` or `full`.
        batch_size: examples a step of `mini` takes; the last one of a pass may take fewer.
        evaluation: has `epoch` and `example_gradients`, and `step` where it is told.
    """
    passes = evaluation["epoch"]
    if "step" in evaluation or not passes:
        return int(evaluation.get("step", 0))
    a_pass = 1 if batch == "full" else math.ceil(evaluation["example_gradients"] / passes / batch_size)
    return int(passes) * a_pass


def of(record: records.Record) -> Cost:
    """Returns what the run of a record cost, without attempts before it."""
    run, last, threads = record.run, record.evaluations[-1], record.environment.get("threads_per_worker", 1)
    return Cost(
        runs=1,
        widened=int(run.point.get("widenings", 0) > 0),
        steps=steps(run.batch, run.batch_size, last),
        gradients=last["example_gradients"],
        seconds=threads * record.summary.get("seconds_in_all", last["seconds"]),
    )


def _of_folder(place: Path, run: Run) -> Cost:
    record = records.read(place)
    attempts = {int(path.stem.partition("-")[2]): path for path in place.glob("metrics-*.jsonl")}
    counted = int((place / "DONE").read_text(encoding="utf-8").split()[0]) if record else 0
    cost = Cost()
    for number, path in attempts.items():
        lines = files.lines_of(path)[0]
        if record is None or number != counted:
            cost += _of_attempt(lines, run)
        else:
            # What the attempt before it had done is counted there.
            begun = _at(lines, run, _resumed(lines))
            whole = of(record)
            cost += dataclasses.replace(
                whole, steps=whole.steps - begun.steps, gradients=whole.gradients - begun.gradients
            )
    return cost


def _of_attempt(lines: list[dict[str, Any]], run: Run) -> Cost:
    """Returns what an attempt without a result spent, from where it went on to what it told last."""
    begun, ended = _at(lines, run, _resumed(lines)), _at(lines, run, None)
    return Cost(
        failed=1,
        steps=ended.steps - begun.steps,
        gradients=ended.gradients - begun.gradients,
        seconds=ended.seconds - begun.seconds,
    )


def _resumed(lines: list[dict[str, Any]]) -> float:
    return float(next((line["resumed_epoch"] for line in lines if "resumed_epoch" in line), 0))


def _at(lines: list[dict[str, Any]], run: Run, epoch: float | None) -> Cost:
    """Returns what had been spent at the evaluation after some passes, or at the last one; nothing without one."""
    told: list[Mapping[str, Any]] = [line for line in lines if "epoch" in line and epoch in (None, line["epoch"])]
    if not told:
        return Cost()
    last = told[-1]
    done = steps(run.batch, run.batch_size, last)
    return Cost(steps=done, gradients=last["example_gradients"], seconds=last["seconds"])
