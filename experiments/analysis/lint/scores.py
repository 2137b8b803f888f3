"""Checks of scores and of times."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping

from experiments.analysis.lint.case import Case, listed, name, some
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator
from experiments.analysis.statistics.times import void
from experiments.machine import BUSY
from experiments.problems import seeds
from experiments.records import timings
from experiments.records.run_folder import Record
from experiments.studies import Entry, Study
from experiments.tuning import choosing


def not_finite(case: Case) -> Iterator[str]:
    """A run with non-finite scores must be marked as diverged."""
    done = [(r, r.evaluations[-1].values()) for r in case.records if r.status == "done"]
    false = (name(r) for r, ends in done if any(isinstance(end, float) and not math.isfinite(end) for end in ends))
    return listed("Runs end without finite scores and are not marked as diverged: {}.", false)


def excluded(case: Case) -> Iterator[str]:
    """A method that contains another can do what that does: if it is worse, its space was searched too little."""
    yield from (violated(other, one) for other, one in breaches(case))


def violated(other: str, one: str) -> str:
    """Returns the sentence on an optimizer that is worse than one that it contains."""
    return (
        f"Under-tuned, inclusion violated: {other} contains {one} and is worse, beyond the 95 % interval of their "
        "paired difference."
    )


def breaches(case: Case) -> Iterator[tuple[str, str]]:
    """Yields each optimizer that is worse than one that it contains, with that."""
    if case.study.track != "tuned":
        return
    merits = {entry.label: _merits(case, entry.label) for entry in case.study.optimizers}
    for one, other in itertools.permutations(case.study.optimizers, 2):
        declared = one.label in other.contains or _chained(case.study, one, other)
        if declared and merits[one.label] and merits[other.label]:
            pair = {label: merits[label] for label in (one.label, other.label)}
            (ahead,) = compare(pair, generator(case.study.task, "inclusion"), higher_is_better=True)
            if ahead.expanded.low > 0:
                yield other.label, one.label


def void_target(case: Case) -> Iterator[str]:
    """A target that somebody meets at once, or that one or none ever meets, tells nothing."""
    if case.target is None:
        return
    met = {label: {r.run.seed: _met(case, r) for r in case.of(label)} for label in case.labels}
    shared = sorted(set.intersection(*map(set, met.values())))
    runs = {label: [found[seed] for seed in shared] for label, found in met.items()}
    if shared and (reason := void(runs, case.study.epochs)):
        yield f"The target {case.target:g} is void: {reason}."


# What contains what, from the smaller to the larger, and the hyperparameter that the larger has to search to reach the
# smaller, where the usual one is far from it: Adam is momentum for a large epsilon alone.
CHAINS = {
    ("sgd", "momentum"): "",
    ("sgd", "nesterov"): "",
    ("momentum", "adam"): "epsilon",
    ("adam", "adamw"): "",
    ("nesterov", "nadam"): "",
}


def _chained(study: Study, one: Entry, other: Entry) -> bool:
    """Returns whether the space searched of the other reaches what the first does."""
    needed = CHAINS.get((_kind(one), _kind(other)))
    if needed is None:
        return False
    return not needed or needed in {axis.name for axis in choosing.searches(study, other)[0].space}


def _kind(entry: Entry) -> str:
    """Returns which link of the chains an entry is; one that differs from the others in more than its rule is none."""
    if entry.batch == "full" or entry.hyperparameters.get("lazy"):  # lazy rows stay, where those of all others move
        return ""
    if entry.optimizer == "momentum":
        return "nesterov" if entry.hyperparameters.get("nesterov") else "momentum"
    return entry.optimizer


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


def parallel_timing(case: Case) -> Iterator[str]:
    """Seconds are taken from runs that had the machine, and their process, to themselves."""
    found = map(name, timings.not_alone(case.timings))
    return listed("Times come from runs in parallel, or from a process with several runs: {}.", found)


def mixed_machines(case: Case) -> Iterator[str]:
    """Another machine has other seconds."""
    found = sorted({timings.machine_of(record) for record in case.timings})
    if len(found) > 1:
        yield f"Times of different machines are mixed: {' | '.join(found)}."


def busy_machine(case: Case) -> Iterator[str]:
    """What else the machine does is no property of an optimizer."""
    most = max((record.environment.get("load_per_core") or 0.0 for record in case.timings), default=0.0)
    if most > BUSY:
        yield f"Times were taken on a machine that was not idle: {most:.1f} processes wanted each core before it began."


def few_repetitions(case: Case) -> Iterator[str]:
    """A median and its quartiles need some numbers, of everybody, and of runs of one length."""
    if not case.timings:
        return
    counts = Counter(record.run.label for record in case.timings)
    few = (f"{label} has {counts[label]}" for label in case.labels if counts[label] < timings.LEAST)
    yield from listed(f"Fewer than {timings.LEAST} repetitions were timed: {{}}.", few, 12)
    lengths = sorted({record.run.epochs for record in case.timings})
    if len(lengths) > 1:
        yield f"Timed runs are of different lengths: {some(lengths)} passes."


def in_succession(case: Case) -> Iterator[str]:
    """Optimizers take turns, so that a machine that slows down slows all of them."""
    labels = [record.run.label for record in timings.in_order(case.timings)]
    twice = dict.fromkeys(a for a, b in itertools.pairwise(labels) if a == b)
    if twice and len(case.labels) > 1:
        yield f"Repetitions do not take turns: {some(twice)} ran twice in succession."


def foreign_seeds(case: Case) -> Iterator[str]:
    """The timing pass has seeds of its own."""
    other = (name(record) for record in case.timings if record.run.seed not in seeds.TIMING)
    return listed("Timed runs have seeds that are for other runs: {}.", other)
