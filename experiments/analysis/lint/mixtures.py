"""What must be one thing in all records of a comparison: data, code, versions, machine, precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from experiments.analysis.lint.case import Case, some
from experiments.records.run_folder import Record

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
    """Nobody computes with more digits than another."""
    yield from _mixed(case.records, "precisions", lambda r: r.summary.get("precision"))


def _version(package: str) -> Callable[[Record], Any]:
    return lambda record: record.environment.get(package)


def _mixed(records: Sequence[Record], words: str, pick: Callable[[Record], Any]) -> Iterator[str]:
    found = {str(value) for record in records if (value := pick(record)) is not None}
    if len(found) > 1:
        yield f"Runs of different {words} are mixed: {some(sorted(found))}."
