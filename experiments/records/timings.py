"""Results of a timing pass from its records, and reasons why they may not be used."""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Collection, Sequence

from experiments.records import run_folder
from experiments.records.run_folder import Record
from experiments.studies.runs import TIMING

ALONE = "alone"
LEAST = 5  # repetitions for a median with quartiles


@dataclasses.dataclass(frozen=True)
class Taken:
    """Time and memory of one repetition."""

    label: str  # of the optimizer
    seed: int  # of the run; it numbers the repetitions, from 3000
    steps: int  # number of timed steps
    seconds_per_step: float  # mean over them, without the first epoch, which warms caches up, if there are more
    seconds_per_pass: float  # of an epoch, which is one step for an optimizer on full gradients
    seconds_compiling: float  # tracing, compiling and the first call, which are in none of the steps
    peak_resident_bytes: int  # peak memory of the process
    peak_device_bytes: float  # peak memory on the GPU; NaN without a GPU, or if it is unknown
    state_bytes_per_parameter: float  # state of the optimizer, per parameter of the model


def recorded(name: str, study: str, labels: Collection[str]) -> list[Record]:
    """Returns the records of the timing pass of a study, given by name and hash, in the order they were taken."""
    found = run_folder.finished([run_folder.ROOT / f"{name}-{study[:8]}"])
    return in_order([record for record in found if record.run.kind == TIMING and record.run.label in labels])


def in_order(found: Sequence[Record]) -> list[Record]:
    """Returns timing records in the order they began."""
    return sorted(found, key=lambda record: record.summary.get("began", math.inf))


def taken(record: Record) -> Taken:
    """Returns time and memory of one repetition."""
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
    """Returns the median seconds of a step, by optimizer."""
    times: dict[str, list[float]] = {}
    for one in map(taken, found):
        times.setdefault(one.label, []).append(one.seconds_per_step)
    return {label: statistics.median(own) for label, own in times.items()}


def machine_of(record: Record) -> str:
    """Returns a description of the machine of a record."""
    found = record.environment.get("machine") or {}
    return f"{', '.join(f'{key} {value}' for key, value in found.items())}; {record.summary.get('device', 'CPU')}"


def not_alone(found: Sequence[Record]) -> list[Record]:
    """Returns the records not taken alone: parallel by their own mark, in a used process, or overlapping another."""
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
    """Returns why times may not be shown (rule B16), and the command that measures them; empty if they may."""
    mixed = {
        "runs of the timing pass were not alone on the machine": bool(not_alone(found)),
        "the timing pass was run on different machines": len({machine_of(record) for record in found}) > 1,
        "the runs of the timing pass have different lengths": len({record.run.epochs for record in found}) > 1,
    }
    command = f"python -m experiments time {typed}"
    for reason in (reason for reason, so in mixed.items() if so):
        return f"Times are not shown: {reason}; {command} --again measures them again."
    timed = {record.run.label for record in found}
    gone = ", ".join(label for label in labels if label not in timed)
    reason = f"the timing pass has no runs of {gone}" if found else "there is no timing pass"
    return f"Times are not shown: {reason}; {command} measures them." if gone else ""
