"""Checks of the evaluation runs: complete, unique, paired, of equal budgets, and all of one code, data and machine."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from experiments.analysis.lint.case import Case, identities, listed, name, some
from experiments.problems import datasets, grid, seeds
from experiments.records.run_folder import Record
from experiments.studies.runs import steps


def strangers(case: Case) -> Iterator[str]:
    """A record names the study that it was made for."""
    expected = identities(case)
    other = (name(r) for r in case.records if expected.get(r.run.kind, r.run.study) != r.run.study)
    return listed("Records of another study are among these: {}.", other)


def missing(case: Case) -> Iterator[str]:
    """A mean over the runs that happen to be there would flatter."""
    there = {(record.run.label, record.run.seed) for record in case.evaluations}
    wanted = itertools.product(case.labels, case.study.seeds if there else ())
    return listed("Runs are missing: {}.", (f"{one} seed {seed}" for one, seed in wanted if (one, seed) not in there))


def repeated(case: Case) -> Iterator[str]:
    """The same run twice is not two runs."""
    counts = Counter(record.run.identity for record in case.records)
    twice = {r.run.identity: name(r) for r in case.records if counts[r.run.identity] > 1}
    return listed("The same run is there more than once: {}.", twice.values())


def tuned_seeds(case: Case) -> Iterator[str]:
    """The score that a choice was made by is the luckiest of many, and is never part of a result."""
    used = {record.run.seed for record in case.tuning} | set(seeds.TUNING)
    lucky = (name(record) for record in case.evaluations if record.run.seed in used)
    return listed("Tuning seeds are in a reported mean: {}.", lucky)


def unequal_steps(case: Case) -> Iterator[str]:
    """Everybody trains as long, counted in passes and in gradients of examples."""
    lengths = {record.run.label: (record.run.epochs, record.run.batch_size) for record in case.evaluations}
    if len(set(lengths.values())) > 1:
        of_each = (f"{label} {epochs} epochs in batches of {batch}" for label, (epochs, batch) in lengths.items())
        yield f"The lengths of runs differ: {some(of_each, 12)}."
        return
    spent = {r.run.label: _spent(r) for r in case.evaluations if r.status == "done" and _spent(r) is not None}
    if len(set(spent.values())) > 1:
        yield f"Gradients differ: {some((f'{label} took {count:,}' for label, count in spent.items()), 12)}."


def uncounted(case: Case) -> Iterator[str]:
    """What an optimizer costs is counted in gradients, at every evaluation."""
    without = (name(r) for r in case.records if any("example_gradients" not in e for e in r.evaluations))
    return listed("Gradients are not counted: {}.", without)


def unequal_grids(case: Case) -> Iterator[str]:
    """Everybody is evaluated at the same steps, those of the study's grid."""
    holes = (name(record) for record in case.evaluations if not _on_grid(record))
    return listed("Evaluations are not at the steps of the study's grid: {}.", holes)


def partial(case: Case) -> Iterator[str]:
    """Evaluations are over whole splits, without a dropped remainder; of large training sets over a fixed part."""
    few = []
    for record in case.records:
        all_ = grid.scored(datasets.CARDS[record.run.data].sizes, by_case=case.task.by_case)
        seen = record.summary.get("examples", {})
        few += [f"{name(record)} ({split} {n:,}, not {all_[split]:,})" for split, n in seen.items() if n != all_[split]]
    return listed("Evaluations are of other examples than the rule asks for: {}.", few)


def unpaired(case: Case) -> Iterator[str]:
    """Of one seed all start from the same weights and see the examples in the same order."""
    for key, words in (("weights_sha256", "initial weights"), ("order_sha256", "order of the examples")):
        by_seed: dict[int, set[str]] = {}
        for record in case.evaluations:
            if key in record.summary:
                by_seed.setdefault(record.run.seed, set()).add(record.summary[key])
        differing = (seed for seed, found in by_seed.items() if len(found) > 1)
        yield from listed(f"The {words} of seed {{}} differ between optimizers.", differing)


def _on_grid(record: Record) -> bool:
    """Returns whether a run was evaluated at the steps of its grid, as far as it came."""
    run = record.run
    expected = grid.GRIDS[run.grid](steps(run.task, run.data, run.batch, run.batch_size), run.epochs)
    found = [evaluation["step"] for evaluation in record.evaluations]
    return found == (expected if record.status == "done" else expected[: len(found)])


def _spent(record: Record) -> int | None:
    return record.evaluations[-1].get("example_gradients")


def mixed_data(case: Case) -> Iterator[str]:
    """Every run saw the same bytes, split by split."""
    for split in ("train", "validation", "test"):
        found = {r.summary["data_sha256"][split] for r in case.records if split in r.summary.get("data_sha256", {})}
        if len(found) > 1:
            yield f"The {split} data differ between runs: SHA-256 {some(sorted(sha[:8] for sha in found))}."


def mixed_versions(case: Case) -> Iterator[str]:
    """Other versions give other numbers."""
    for package in ("tensorflow", "keras", "numpy", "python"):
        yield from _mixed(f"versions of {package}", (r.environment.get(package) for r in case.records))


def mixed_source(case: Case) -> Iterator[str]:
    """Other code gives other numbers."""
    return _mixed("sources", (str(r.environment.get("source", ""))[:8] for r in case.records))


def mixed_devices(case: Case) -> Iterator[str]:
    """Another kind of machine gives other numbers."""
    yield from _mixed("systems", (r.environment.get("system") for r in case.records))
    # Timing runs are judged by themselves, by rule B16: all of their machine counts, and not its device alone.
    yield from _mixed("devices", (r.summary.get("device") for r in (*case.evaluations, *case.tuning)))


def mixed_precision(case: Case) -> Iterator[str]:
    """All optimizers compute with the same precision."""
    return _mixed("precisions", (r.summary.get("precision") for r in case.records))


def _mixed(words: str, values: Iterable[Any]) -> Iterator[str]:
    found = sorted({str(value) for value in values if value is not None})
    return listed(f"Runs of different {words} are mixed: {{}}.", found if len(found) > 1 else ())
