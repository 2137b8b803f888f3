"""The record of a run: a folder named by the run's hash, complete or not a record at all.

    runs/<study>-<study hash, 8>/trials/<hash, 2>/<hash, 20>/
        spec.json               the whole specification, canonical; never rewritten
        lease/                  the lock, while a process works on the run
        ckpt/step-<N>/          checkpoints, until the run is finished
        metrics-<attempt>.jsonl one checksummed line per evaluation; a resumed attempt starts with a line that names
                                the checkpoint, then repeats the evaluations up to it
        test-<attempt>.jsonl    the same for the test split, opened by figures and reports only
        cases-<attempt>.csv     of a segmentation, every metric of each test case; opened like the test scores
        predictions-<attempt>.npz   predictions on test cases, so that figures are drawn again without training
        ended-<attempt>.json    status and error of an attempt without a result
        result-<attempt>.json   status, environment, summary, SHA-256 of the files above
        DONE                    written last: number of the attempt that counts, and SHA-256 of its result

A folder without DONE is no record. Each attempt writes its own files, so two processes cannot damage each other's; the
first to write DONE counts. `attempts` writes, this module reads.
"""

import contextlib
import dataclasses
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.records.files import lines_of, numbers, sha256, storing
from experiments.studies.runs import Run

ROOT = Path("runs")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclasses.dataclass(frozen=True)
class Record:
    """A finished run, read from disk."""

    run: Run  # its specification
    status: str  # `done` or `diverged`; both are results
    environment: Mapping[str, Any]  # versions, commit, threads and the like
    summary: Mapping[str, Any]  # facts about the whole run, such as its seconds
    # one mapping per step of the grid, from 0; with test scores if requested
    evaluations: tuple[Mapping[str, Any], ...]
    # further files by kind, such as `cases`, if test scores were requested
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)


def folder(root: Path, study_name: str, run: Run) -> Path:
    """Returns the folder of a run, which need not exist; refuses a name that is no plain word."""
    if not re.fullmatch(r"\w[\w-]*(\.\w[\w-]*)*", study_name):
        raise UserError(f"A study's name must be letters, digits, _, - and single dots, got '{study_name}'.")
    identity = run.identity
    return inside(root, root / f"{study_name}-{run.study[:8]}" / "trials" / identity[:2] / identity[:20])


def inside(root: Path, path: Path) -> Path:
    """Returns a path that lies in a folder after following links; refuses one that does not."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{path} leads out of {root}, to {path.resolve()}; nothing was written there.")
    return path


def read(path: Path, *, test: bool = False) -> Record | None:
    """Returns the intact record in a run's folder, or None; test scores are for figures and reports alone."""
    try:
        return _read(path, test)
    except UNREADABLE:
        return None


def finished(places: Iterable[Path]) -> Iterator[Record]:
    """Yields the intact records in folders of studies, test scores sealed."""
    for mark in (mark for place in places for mark in sorted(place.glob("trials/*/*/DONE"))):
        if (record := read(mark.parent)) is not None:
            yield record


def damage(path: Path) -> str | None:
    """Returns why a folder with DONE is no record, or None if it is one or has no DONE."""
    if not (path / "DONE").exists():
        return None
    try:
        _read(path, False)
    except UNREADABLE as error:
        return f"the record in {path} is damaged: {error}"
    return None


def discard(path: Path) -> None:
    """Renames DONE, so that the run is made again; its files stay."""
    if (path / "DONE").exists():
        with storing(path), contextlib.suppress(FileNotFoundError):  # another process did so first
            (path / "DONE").replace(path / f"DONE.{secrets.token_hex(4)}.old")


def evaluations(path: Path) -> list[dict[str, Any]]:
    """Returns the intact evaluations in a file, without the line that names a checkpoint."""
    return [found for found in lines_of(path)[0] if "epoch" in found]


def _read(path: Path, test: bool) -> Record:
    number, expected = (path / "DONE").read_text(encoding="utf-8").split()
    attempt = int(number)
    _same(path / f"result-{attempt}.json", expected)
    result = numbers(json.loads((path / f"result-{attempt}.json").read_text("utf-8")))
    run = Run(**json.loads((path / "spec.json").read_text("utf-8")))
    if run.identity[:20] != path.name:
        raise ValueError("spec.json does not match the folder's name")
    for name, sha in result["files"].items():
        if not re.fullmatch(r"[a-z]+-\d+\.[a-z]+", name):
            raise ValueError(f"it names a file '{name}' that no run has")
        _same(path / name, sha)
    lines = evaluations(path / f"metrics-{attempt}.jsonl")
    if any("step" not in line for line in lines):
        raise ValueError("its evaluations have no step: made by an earlier version")
    more = {name.split("-")[0]: path / name for name in result["files"] if not name.endswith(".jsonl")}
    if test and (path / f"test-{attempt}.jsonl").exists():
        sealed = evaluations(path / f"test-{attempt}.jsonl")
        lines = [seen | shown for seen, shown in zip(lines, sealed, strict=True)]
    return Record(run, result["status"], result["environment"], result["summary"], tuple(lines), more if test else {})


def _same(path: Path, expected: str) -> None:
    if sha256(path) == expected:
        return
    bad = lines_of(path)[1] if path.suffix == ".jsonl" else []
    raise ValueError(f"{path.name}{f', line {bad[0]},' if bad else ''} does not match its checksum")
