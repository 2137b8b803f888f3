"""Rows of costs: scores against them, all that was computed for each optimizer, and the timing pass."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments import optimizers
from experiments.analysis import timing_table
from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.results import Result
from experiments.records import timings
from experiments.records.costs import Cost
from experiments.studies import Entry
from experiments.studies.runs import EVALUATION, TUNING

BYTES = 4  # of a number in float32
PARTS = ("tuning", "tuning, widened", "evaluation", "without a result")


def cost_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each optimizer that has a mean and known costs; without a timing pass seconds are NaN."""
    kept = _kept(evidence)
    seconds = evidence.step_seconds
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "score": row.centre.mean.value,
            "low": row.centre.mean.expanded.low,
            "high": row.centre.mean.expanded.high,
            "seconds_per_step": seconds.get(row.label, math.nan),
            "state_bytes_per_parameter": kept[row.label],
            "higher_is_better": evidence.higher,
        }
        for row in result.rows
        if row.centre is not None and math.isfinite(row.centre.mean.value) and math.isfinite(kept[row.label])
    ]


def unknown(evidence: Evidence) -> list[str]:
    """Returns the optimizers whose state depends on the shapes of weights, which a timing pass alone knows."""
    return [label for label, kept in _kept(evidence).items() if math.isnan(kept)]


def state_bytes(entry: Entry) -> float:
    """Returns what an optimizer keeps between steps for each parameter, bytes; NaN where that depends on shapes."""
    return BYTES * optimizers.kept(entry.optimizer, **entry.hyperparameters)


def _kept(evidence: Evidence) -> dict[str, float]:
    """Returns what each optimizer keeps for a parameter, bytes: measured in the timing pass, else as it declares."""
    if evidence.untimed:
        return {entry.label: state_bytes(entry) for entry in evidence.study.optimizers}
    return {row.label: row.state for row in timing_table.rows(evidence.timings, evidence.study)}


def spent_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and part of its cost; none where costs are unknown."""
    if not evidence.costs:
        return []
    return [
        {**origin(evidence), "optimizer": label, "part": part, "gradients": gradients, "core_hours": seconds / 3600}
        for label in evidence.labels
        for part, (gradients, seconds) in _parts(
            evidence.costs.get((TUNING, label), Cost()), evidence.costs.get((EVALUATION, label), Cost())
        ).items()
    ]


def _parts(tuning: Cost, evaluation: Cost) -> dict[str, tuple[int, float]]:
    def rest(cost: Cost) -> tuple[int, float]:
        gradients = cost.gradients - cost.widened_gradients - cost.failed_gradients
        return gradients, cost.seconds - cost.widened_seconds - cost.failed_seconds

    lost = tuning + evaluation
    values = (
        rest(tuning),
        (tuning.widened_gradients, tuning.widened_seconds),
        rest(evaluation),
        (lost.failed_gradients, lost.failed_seconds),
    )
    return dict(zip(PARTS, values, strict=True))


def timed(table: Sequence[Mapping[str, Any]]) -> bool:
    """Returns whether the hours of all parts are known."""
    return all(math.isfinite(row["core_hours"]) for row in table)


def timing_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each repetition; none where times may not be shown."""
    if evidence.untimed:
        return []
    sgd = timing_table.rows(evidence.timings, evidence.study)[0].reference
    order = {label: place for place, label in enumerate(evidence.labels)}
    own = [(record, timings.taken(record)) for record in evidence.timings if record.run.label in order]
    return [
        {
            **origin(evidence),
            "optimizer": one.label,
            "learning_rate": record.run.learning_rate,
            **{key: value for key, value in dataclasses.asdict(one).items() if key != "label"},
            "reference": sgd,
            "machine": timings.machine_of(record),
        }
        for record, one in sorted(own, key=lambda pair: (order[pair[1].label], pair[1].seed))
    ]
