"""What the timing pass shows: whether its seconds are those of steps, and not of other work or other machines."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from experiments.analysis.lint.case import Case, name, some
from experiments.machine import BUSY
from experiments.problems import seeds
from experiments.records import timings


def parallel_timing(case: Case) -> Iterator[str]:
    """Seconds are taken from runs that had the machine, and their process, to themselves."""
    if others := timings.beside(case.timings):
        told = some(map(name, others))
        yield f"Times come from runs that trained beside others, or after others in their process: {told}."


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
    few = [f"{label} has {counts[label]}" for label in case.labels if counts[label] < timings.LEAST]
    if few:
        yield f"Fewer than {timings.LEAST} repetitions were timed: {some(few, 12)}."
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
    """Seeds of the timing pass are nobody else's."""
    other = [name(record) for record in case.timings if record.run.seed not in seeds.TIMING]
    if other:
        yield f"Timed runs have seeds that are for other runs: {some(other)}."
