"""Tables of comparisons: each pair of optimizers measured, then judged with p values corrected for the whole table."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.analysis.statistics import significance
from experiments.analysis.statistics.resampling import RESAMPLES, expanded, percentile
from experiments.analysis.statistics.significance import differences, holm, superiority
from experiments.analysis.statistics.summaries import Array, mean
from experiments.analysis.statistics.verdicts import Comparison

LEAST_SEEDS = 3

Runs = Mapping[int, float]
Draws = npt.NDArray[np.int64]


def compare(
    table: Mapping[str, Runs],
    rng: np.random.Generator,
    *,
    higher_is_better: bool,
    reference: str | None = None,
    planned: int = 0,
) -> list[Comparison]:
    """Returns the comparisons of one table, which is one track, one problem, one metric: of all pairs, or planned ones.

    Args:
        table: optimizer -> seed -> final value; none for what did not run, the bad infinity for what diverged. A seed
            means the same weights and the same order of examples for all.
        rng: source of the draws, such as `generator(study, table)`; the same seeds are drawn for every pair.
        higher_is_better: True for a score, False for a loss.
        reference: the optimizer that was to be compared with each other one, planned before there were runs; p values
            are then corrected for these comparisons alone, those that cannot be made among them.
        planned: how many comparisons the study has, where the table has a part of them.

    Returns:
        A comparison for each pair; pairs with missing runs, or fewer than 3 seeds, have the verdict "n/a".

    Raises:
        ValueError: no optimizer, a value is NaN or infinitely good, or the reference is no optimizer of the table.
    """
    columns = _columns(table, higher_is_better)
    if reference is not None and reference not in columns:
        raise ValueError(f"reference must be one of {', '.join(columns)}, got {reference!r}.")
    wanted = set().union(*columns.values())
    drawn = _drawn(columns, rng)
    rows = []
    for first, second in _pairs(columns, reference):
        seeds = min(len(columns[first]), len(columns[second]))
        row = Comparison(first, second, seeds, missing=_missing(columns, (first, second), wanted))
        if not row.missing:
            row = _measured(
                row, _in_order(columns[first]), _in_order(columns[second]), drawn[len(wanted)], rng, higher_is_better
            )
        rows.append(row)
    return _judged(rows, higher_is_better, max(planned, 0 if reference is None else len(rows)))


def _pairs(labels: Iterable[str], reference: str | None) -> Iterable[tuple[str, str]]:
    if reference is None:
        return itertools.combinations(labels, 2)
    return [(reference, other) for other in labels if other != reference]


def _drawn(columns: Mapping[str, Runs], rng: np.random.Generator) -> dict[int, Draws]:
    """Returns draws of seeds for each number of runs, the highest first.

    Only half of those for all seeds are used; the others keep what is drawn after them as committed reports have it.
    """
    counts = sorted({len(runs) for runs in columns.values()}, reverse=True)
    return {count: rng.integers(max(1, count), size=(2, RESAMPLES, count))[0] for count in counts}


def _columns(table: Mapping[str, Runs], higher_is_better: bool) -> dict[str, dict[int, float]]:
    """Returns the table with its values checked."""
    if not table:
        raise ValueError(f"table must map each optimizer, at least one, to its runs by seed, got {table!r}.")
    good = math.inf if higher_is_better else -math.inf
    for label, runs in table.items():
        for seed, value in runs.items():
            if math.isnan(value) or value == good:
                raise ValueError(
                    f"{label}, seed {seed}: a value must be a number, got {value!r}; leave out a run that is missing, "
                    f"and write {-good} for one that diverged."
                )
    return {label: {seed: float(value) for seed, value in runs.items()} for label, runs in table.items()}


def _missing(columns: Mapping[str, Runs], pair: tuple[str, str], wanted: set[int]) -> str:
    """Returns why two optimizers cannot be compared, or "": a mean over the runs there happen to be would flatter."""
    for label in pair:
        if absent := sorted(wanted - set(columns[label])):
            return f"{label} has no run of seed {', '.join(map(str, absent))}"
    return f"{len(wanted)} seeds are fewer than {LEAST_SEEDS}" if len(wanted) < LEAST_SEEDS else ""


def _in_order(runs: Runs) -> Array:
    return np.array([runs[seed] for seed in sorted(runs)])


def _measured(
    row: Comparison, a: Array, b: Array, drawn: Draws, rng: np.random.Generator, higher_is_better: bool
) -> Comparison:
    """Returns a row with its numbers, but those that depend on the other rows."""
    return dataclasses.replace(
        row,
        diverged=(int(np.isinf(a).sum()), int(np.isinf(b).sum())),
        superiority=superiority(a, b, paired=True) if higher_is_better else superiority(b, a, paired=True),
        **_tested(a, b, drawn, rng),
    )


def _tested(a: Array, b: Array, drawn: Draws, rng: np.random.Generator) -> dict[str, Any]:
    """Returns the numbers of two optimizers that share seeds; ranks stand in for differences where a run diverged."""
    d = differences(a, b)
    draws = mean(d[drawn])
    common = {"difference": float(mean(d)), "percentile": percentile(draws), "expanded": expanded(draws, len(d))}
    if not np.isfinite(d).all():
        p = significance.signed_ranks(d, rng)
        return {**common, "test": "signed ranks", "p": p, "exact_p": p}
    return {**common, "test": "paired t", "p": significance.paired_t(d), "exact_p": significance.sign_flip(d, rng)}


def _judged(rows: list[Comparison], higher_is_better: bool, planned: int) -> list[Comparison]:
    """Returns the rows with p values corrected for the number of those tested, or planned, and with verdicts."""
    tested = [row for row in rows if not row.missing]
    if not tested:
        return rows
    corrected, exact = (holm([getattr(row, name) for row in tested], planned) for name in ("p", "exact_p"))
    judged = (
        row.judged(p, q, higher_is_better=higher_is_better) for row, p, q in zip(tested, corrected, exact, strict=True)
    )
    return [row if row.missing else next(judged) for row in rows]
