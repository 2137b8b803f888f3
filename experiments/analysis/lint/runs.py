"""Checks of the evaluation runs: complete, unique, paired, of equal budgets, and all of one code, data and machine."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from experiments.analysis.lint.case import Case, identities, name, some
from experiments.problems import datasets, grid, seeds
from experiments.records.run_folder import Record
from experiments.studies.runs import steps


def strangers(case: Case) -> Iterator[str]:
    """A record names the study that it was made for."""
    expected = identities(case)
    other = [name(r) for r in case.records if expected.get(r.run.kind, r.run.study) != r.run.study]
    if other:
        yield f"Records of another study are among these: {some(other)}."


def missing(case: Case) -> Iterator[str]:
    """A mean over the runs that happen to be there would flatter."""
    if case.evaluations:
        there = {(record.run.label, record.run.seed) for record in case.evaluations}
        wanted = itertools.product(case.labels, case.study.seeds)
        gone = [f"{label} seed {seed}" for label, seed in wanted if (label, seed) not in there]
        if gone:
            yield f"Runs are missing: {some(gone)}."


def repeated(case: Case) -> Iterator[str]:
    """The same run twice is not two runs."""
    counts = Counter(record.run.identity for record in case.records)
    twice = {r.run.identity: name(r) for r in case.records if counts[r.run.identity] > 1}
    if twice:
        yield f"The same run is there more than once: {some(twice.values())}."


def tuned_seeds(case: Case) -> Iterator[str]:
    """The score that a choice was made by is the luckiest of many, and is never part of a result."""
    used = {record.run.seed for record in case.tuning} | set(seeds.TUNING)
    lucky = [name(record) for record in case.evaluations if record.run.seed in used]
    if lucky:
        yield f"Tuning seeds are in a reported mean: {some(lucky)}."


def unequal_steps(case: Case) -> Iterator[str]:
    """Everybody trains as long, counted in passes and in gradients of examples."""
    lengths = {record.run.label: (record.run.epochs, record.run.batch_size) for record in case.evaluations}
    if len(set(lengths.values())) > 1:
        told = (f"{label} {epochs} epochs in batches of {batch}" for label, (epochs, batch) in lengths.items())
        yield f"The lengths of runs differ: {some(told, 12)}."
        return
    spent = {r.run.label: _spent(r) for r in case.evaluations if r.status == "done" and _spent(r) is not None}
    if len(set(spent.values())) > 1:
        yield f"Gradients differ: {some((f'{label} took {count:,}' for label, count in spent.items()), 12)}."


def uncounted(case: Case) -> Iterator[str]:
    """What an optimizer costs is counted in gradients, at every evaluation."""
    without = [name(r) for r in case.records if any("example_gradients" not in e for e in r.evaluations)]
    if without:
        yield f"Gradients are not counted: {some(without)}."


def unequal_grids(case: Case) -> Iterator[str]:
    """Everybody is evaluated at the same steps, those of the study's grid."""
    holes = [name(record) for record in case.evaluations if not _on_grid(record)]
    if holes:
        yield f"Evaluations are not at the steps of the study's grid: {some(holes)}."


def partial(case: Case) -> Iterator[str]:
    """Evaluations are over whole splits, without a dropped remainder; of training sets over a fixed part at most."""
    few = []
    for record in case.records:
        sizes = datasets.CARDS[record.run.data].sizes
        told = record.summary.get("examples", {})
        all_ = {split: min(size, grid.MOST_TRAINING) if split == "train" else size for split, size in sizes.items()}
        few += [f"{name(record)} ({split} {n:,} of {all_[split]:,})" for split, n in told.items() if n != all_[split]]
    if few:
        yield f"Evaluations are not over the whole split: {some(few)}."


def unpaired(case: Case) -> Iterator[str]:
    """Of one seed all start from the same weights and see the examples in the same order."""
    for key, words in (("weights_sha256", "initial weights"), ("order_sha256", "order of the examples")):
        by_seed: dict[int, set[str]] = {}
        for record in case.evaluations:
            if key in record.summary:
                by_seed.setdefault(record.run.seed, set()).add(record.summary[key])
        differing = [seed for seed, found in by_seed.items() if len(found) > 1]
        if differing:
            yield f"The {words} of seed {some(differing)} differ between optimizers."


def _on_grid(record: Record) -> bool:
    """Returns whether a run was evaluated at the steps of its grid, as far as it came."""
    run = record.run
    expected = grid.GRIDS[run.grid](steps(run.task, run.data, run.batch, run.batch_size), run.epochs)
    found = [evaluation["step"] for evaluation in record.evaluations]
    return found == (expected if record.status == "done" else expected[: len(found)])


def _spent(record: Record) -> int | None:
    return record.evaluations[-1].get("example_gradients")


VERSIONS = ("tensorflow", "keras", "numpy", "python")


def mixed_data(case: Case) -> Iterator[str]:
    """Every run saw the same bytes, split by split."""
    for split in ("train", "validation", "test"):
        found = {r.summary["data_sha256"][split] for r in case.records if split in r.summary.get("data_sha256", {})}
        if len(found) > 1:
            yield f"The {split} data differ between runs: SHA-256 {some(sorted(sha[:8] for sha in found))}."


def mixed_versions(case: Case) -> Iterator[str]:
    """Other versions give other numbers."""
    for package in VERSIONS:
        yield from _mixed(case.records, f"versions of {package}", _version(package))


def mixed_source(case: Case) -> Iterator[str]:
    """Other code gives other numbers."""
    yield from _mixed(case.records, "sources", lambda r: str(r.environment.get("source", ""))[:8])


def mixed_devices(case: Case) -> Iterator[str]:
    """Another kind of machine gives other numbers."""
    yield from _mixed(case.records, "systems", lambda r: r.environment.get("system"))
    # Timing runs are judged by themselves, by rule B16: all of their machine counts, and not its device alone.
    yield from _mixed((*case.evaluations, *case.tuning), "devices", lambda r: r.summary.get("device"))


def mixed_precision(case: Case) -> Iterator[str]:
    """All optimizers compute with the same precision."""
    yield from _mixed(case.records, "precisions", lambda r: r.summary.get("precision"))


def _version(package: str) -> Callable[[Record], Any]:
    return lambda record: record.environment.get(package)


def _mixed(records: Sequence[Record], words: str, pick: Callable[[Record], Any]) -> Iterator[str]:
    found = {str(value) for record in records if (value := pick(record)) is not None}
    if len(found) > 1:
        yield f"Runs of different {words} are mixed: {some(sorted(found))}."
