"""How far runs on a test function came (rule B20): success rate and gradients; an illustration, no evidence."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from experiments.problems.functions import FUNCTIONS, Function
from experiments.problems.tasks.points import CLASSICAL
from experiments.records.run_folder import Record

LABEL = "Illustration, not evidence: functions of so few dimensions say little about networks."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one optimizer did from all starts.

    Attributes:
        optimizer: its label.
        starts: how many there were.
        solved: from how many it came within a millionth of the way from the start's value to the minimum.
        classical: whether from the classical start; None where that was not tried.
        gradients: median over all starts of the gradients that it took; infinity counts for a miss.
        excess: median of what was left above the minimum at the last step; infinity counts for a divergence.
    """

    optimizer: str
    starts: int
    solved: int
    classical: bool | None
    gradients: float
    excess: float


def outcomes(labels: Sequence[str], found: Sequence[Record]) -> list[Outcome]:
    """Returns a row for each optimizer, given the records of its runs on one function."""
    rows = []
    for label in labels:
        own = [record for record in found if record.run.label == label]
        function = FUNCTIONS[own[0].run.task]
        costs = {record.run.seed: cost(function, record) for record in own}
        left = [_last(record) - function.minimum for record in own]
        rows.append(
            Outcome(
                label,
                len(own),
                sum(map(math.isfinite, costs.values())),
                math.isfinite(costs[CLASSICAL]) if CLASSICAL in costs else None,
                statistics.median(costs.values()),
                statistics.median(left),
            )
        )
    return rows


def cost(function: Function, record: Record) -> float:
    """Returns the gradients after which a run was first seen to have solved its function; infinity for a miss."""
    start = record.evaluations[0]["test_loss"]
    solved = (e["example_gradients"] for e in record.evaluations if function.solved(e["test_loss"], start))
    return float(next(solved, math.inf))


def markdown(rows: Sequence[Outcome]) -> list[str]:
    """Returns the rows as a table in Markdown, with the label that they must have."""
    words = {True: "yes", False: "no", None: "-"}
    lines = [
        "| optimizer | solved | from the classical start | gradients, median | left above the minimum, median |",
        "|---|---|---|---|---|",
        *(
            f"| {row.optimizer} | {row.solved} of {row.starts} | {words[row.classical]} | "
            f"{'∞' if math.isinf(row.gradients) else f'{row.gradients:,.0f}'} | {row.excess:.2g} |"
            for row in rows
        ),
    ]
    return [*lines, "", LABEL]


def _last(record: Record) -> float:
    return float(record.evaluations[-1]["test_loss"]) if record.status == "done" else math.inf
