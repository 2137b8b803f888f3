"""What the scores show: a space that was searched too little, a target that tells nothing, a run that is no result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from experiments.config import Entry
from experiments.lint.case import Case, name, some
from experiments.records import Record
from experiments.statistics import mean_interval, void


def not_finite(case: Case) -> Iterator[str]:
    """A run whose numbers are none has diverged, and says so."""
    false = [name(r) for r in case.records if r.status == "done" and not all(map(math.isfinite, _numbers(r)))]
    if false:
        yield f"Runs end without finite scores and are not marked as diverged: {some(false)}."


def excluded(case: Case) -> Iterator[str]:
    """A method that contains another can do what that does: if it is worse, its space was searched too little."""
    if case.study.track != "tuned":
        return
    entries = {kind: entry.label for entry in case.study.optimizers if (kind := _kind(entry))}
    for inner, outer in CHAINS:
        if inner in entries and outer in entries:
            one, other = (_merits(case, entries[kind]) for kind in (inner, outer))
            behind = [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]
            if len(behind) > 1 and mean_interval(behind).low > 0:
                yield (
                    f"Under-tuned, inclusion violated: {entries[outer]} contains {entries[inner]} and is worse, beyond "
                    "the 95 % interval of their paired difference."
                )


def void_target(case: Case) -> Iterator[str]:
    """A target that somebody meets at once, or that one or none ever meets, tells nothing."""
    if case.target is None:
        return
    met = {label: {r.run.seed: _met(case, r) for r in case.of(label)} for label in case.labels}
    shared = sorted(set.intersection(*map(set, met.values())))
    if shared and (reason := void({label: [found[seed] for seed in shared] for label, found in met.items()})):
        yield f"The target {case.target:g} is void: {reason}."


# What contains what, from the smaller to the larger. Adam is momentum for a large epsilon.
CHAINS = (
    ("sgd", "momentum"),
    ("sgd", "nesterov"),
    ("momentum", "adam"),
    ("adam", "adamw"),
    ("nesterov", "nadam"),
)


def _kind(entry: Entry) -> str | None:
    """Returns which link of the chains an entry is; one that differs from the others in more than its rule is none."""
    if entry.batch == "full":
        return None
    if entry.optimizer == "momentum":
        return "nesterov" if entry.hyperparameters.get("nesterov") else "momentum"
    return entry.optimizer


def _numbers(record: Record) -> list[float]:
    return [value for value in record.evaluations[-1].values() if isinstance(value, float)]


def _merits(case: Case, label: str) -> Mapping[int, float]:
    """Returns the last validation scores of an optimizer by seed, turned so that greater is better."""
    key = f"validation_{case.task.score}"
    return {r.run.seed: case.task.merit(r.evaluations[-1][key]) for r in case.of(label) if r.status == "done"}


def _met(case: Case, record: Record) -> float:
    """Returns the number of the first evaluation that meets the target; infinity for a miss."""
    assert case.target is not None
    goal, key = case.task.merit(case.target), f"validation_{case.task.score}"
    met = (i for i, e in enumerate(record.evaluations) if case.task.merit(e[key]) >= goal)
    return float(next(met, math.inf))
