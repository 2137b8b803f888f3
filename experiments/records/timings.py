"""What a timing pass found, out of its records, and why it may not be used. Nothing here trains or draws."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Collection, Sequence

from experiments.records import run_folder
from experiments.records.run_folder import Record
from experiments.studies.runs import TIMING

ALONE = "alone"
LEAST = 5  # repetitions that a median and its quartiles are of


@dataclasses.dataclass(frozen=True)
class Taken:
    """What one repetition took.

    Attributes:
        label: of the optimizer.
        seed: of the run; it numbers the repetitions, from 3000.
        steps: that were timed.
        seconds_per_step: mean over them. The first pass warms caches up and is left out where there are more.
        seconds_per_pass: the same over the training set, which is one step for an optimizer on full gradients.
        seconds_compiling: tracing, compiling and the first call, which are in none of the steps.
        peak_resident_bytes: the most memory that the process held.
        peak_device_bytes: the most memory that was held on the GPU; NaN where there is none, or it does not tell.
        state_bytes_per_parameter: what the optimizer keeps between steps for each parameter of the model.
    """

    label: str
    seed: int
    steps: int
    seconds_per_step: float
    seconds_per_pass: float
    seconds_compiling: float
    peak_resident_bytes: int
    peak_device_bytes: float
    state_bytes_per_parameter: float


def recorded(name: str, study: str, labels: Collection[str]) -> list[Record]:
    """Returns the records of a study's timing pass, in the order in which they were taken.

    Args:
        name: of the study.
        study: its hash.
        labels: the optimizers that are asked for.
    """
    done = (run_folder.ROOT / f"{name}-{study[:8]}").glob("trials/*/*/DONE")
    found = (run_folder.read(mark.parent) for mark in sorted(done))
    return in_order([r for r in found if r is not None and r.run.kind == TIMING and r.run.label in labels])


def in_order(found: Sequence[Record]) -> list[Record]:
    """Returns timing records by when they began."""
    return sorted(found, key=lambda record: record.summary.get("began", math.inf))


def taken(record: Record) -> Taken:
    """Returns what one repetition took."""
    run, summary, last = record.run, record.summary, record.evaluations[-1]
    whole = [evaluation for evaluation in record.evaluations[:-1] if evaluation["epoch"] >= 1]
    first = whole[0] if whole else record.evaluations[0]
    seconds = last["seconds"] - first["seconds"]
    steps = last["step"] - first["step"]
    device = summary["peak_device_bytes"]
    return Taken(
        run.label,
        run.seed,
        steps,
        seconds / steps,
        seconds / (last["epoch"] - first["epoch"]),
        summary["seconds_compiling"],
        summary["peak_resident_bytes"],
        math.nan if device is None else device,
        summary["state_bytes"] / summary["parameters"],
    )


def step_seconds(found: Sequence[Record]) -> dict[str, float]:
    """Returns the median seconds of a step of each optimizer."""
    times: dict[str, list[float]] = {}
    for one in map(taken, found):
        times.setdefault(one.label, []).append(one.seconds_per_step)
    return {label: statistics.median(own) for label, own in times.items()}


def machine_of(record: Record) -> str:
    """Returns the machine that a record was taken on, in words."""
    found = record.environment.get("machine") or {}
    return f"{', '.join(f'{key} {value}' for key, value in found.items())}; {record.summary.get('device', 'CPU')}"


def beside(found: Sequence[Record]) -> list[Record]:
    """Returns the records that were not taken alone: marked so, by a process that had served, or during another's."""
    overlapping = {
        id(b)
        for a, b in itertools.pairwise(in_order(found))
        if b.summary.get("began", 0.0) < a.summary.get("ended", math.inf)
    }
    return [
        r
        for r in found
        if r.environment.get("timing") != ALONE or r.summary.get("runs_before") != 0 or id(r) in overlapping
    ]


def refused(found: Sequence[Record], labels: Sequence[str], typed: str) -> str:
    """Returns why no times may be shown (rule B16), and the command that takes them; empty when they may.

    Args:
        found: the records of the timing pass.
        labels: the optimizers that are compared.
        typed: what to type for the study.
    """
    mixed = {
        "runs of the timing pass trained beside others": bool(beside(found)),
        "the timing pass is of different machines": len({machine_of(record) for record in found}) > 1,
        "the runs of the timing pass are of different lengths": len({record.run.epochs for record in found}) > 1,
    }
    command = f"python -m experiments time {typed}"
    for reason in (reason for reason, so in mixed.items() if so):
        return f"Times are not shown, since {reason}; {command} --again takes them anew."
    timed = {record.run.label for record in found}
    gone = ", ".join(label for label in labels if label not in timed)
    reason = f"the timing pass has no runs of {gone}" if found else "there is no timing pass"
    return f"Times are not shown, since {reason}; {command} takes them." if gone else ""
