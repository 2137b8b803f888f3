"""What the scores show: a space that was searched too little, a target that tells nothing, a run that is no result."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from experiments.analysis.lint.case import Case, name, some
from experiments.analysis.statistics import compare, generator, void
from experiments.records.run_folder import Record
from experiments.studies import Entry


def not_finite(case: Case) -> Iterator[str]:
    """A run whose numbers are none has diverged, and says so."""
    false = [name(r) for r in case.records if r.status == "done" and not all(map(math.isfinite, _numbers(r)))]
    if false:
        yield f"Runs end without finite scores and are not marked as diverged: {some(false)}."


def excluded(case: Case) -> Iterator[str]:
    """A method that contains another can do what that does: if it is worse, its space was searched too little."""
    if case.study.track != "tuned":
        return
    merits = {entry.label: _merits(case, entry.label) for entry in case.study.optimizers}
    for one, other in itertools.permutations(case.study.optimizers, 2):
        if (_kind(one), _kind(other)) in CHAINS and merits[one.label] and merits[other.label]:
            pair = {label: merits[label] for label in (one.label, other.label)}
            (ahead,) = compare(pair, generator(case.study.task, "inclusion"), higher_is_better=True)
            if ahead.expanded.low > 0:
                yield (
                    f"Under-tuned, inclusion violated: {other.label} contains {one.label} and is worse, beyond the "
                    "95 % interval of their paired difference."
                )


def void_target(case: Case) -> Iterator[str]:
    """A target that somebody meets at once, or that one or none ever meets, tells nothing."""
    if case.target is None:
        return
    met = {label: {r.run.seed: _met(case, r) for r in case.of(label)} for label in case.labels}
    shared = sorted(set.intersection(*map(set, met.values())))
    runs = {label: [found[seed] for seed in shared] for label, found in met.items()}
    if shared and (reason := void(runs, case.study.epochs)):
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
    """Returns the last validation scores by seed, turned so that greater is better; the worst of what diverged."""
    key, found = f"validation_{case.task.score}", {}
    for record in case.of(label):
        end = float(record.evaluations[-1][key])
        good = record.status == "done" and math.isfinite(end)
        found[record.run.seed] = case.task.merit(end) if good else -math.inf
    return found


def _met(case: Case, record: Record) -> float:
    """Returns the passes after which a run first met the target; infinity for a miss."""
    assert case.target is not None
    goal, key = case.task.merit(case.target), f"validation_{case.task.score}"
    met = (e["epoch"] for e in record.evaluations if case.task.merit(e[key]) >= goal)
    return float(next(met, math.inf))
