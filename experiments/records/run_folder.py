"""The record of a run: a folder named by the run's hash, written so that no half of it can be believed.

    runs/<study>-<study hash, 8>/trials/<hash, 2>/<hash, 20>/
        spec.json               the whole specification, canonical; never rewritten
        lease/                  who carries it out at present
        ckpt/step-<N>/          the state to go on from, until the run is finished
        metrics-<attempt>.jsonl one checksummed line for each evaluation; of an attempt that went on from a
                                checkpoint, first a line that says from which, then the evaluations up to it
        test-<attempt>.jsonl    the same for the test split, opened by figures and reports alone
        cases-<attempt>.csv     of a segmentation, every metric of each test case; opened as the test scores are
        predictions-<attempt>.npz   and what was predicted, so that figures are drawn again without training
        ended-<attempt>.json    how an attempt ended that gave no result, and why
        result-<attempt>.json   how the run ended, the environment, SHA-256 of the files above
        DONE                    written last: the attempt that counts, and SHA-256 of its result

A folder without DONE is no record. Each attempt writes files of its own, so that two processes at
one run cannot tear each other's; the first to write DONE counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.records import checkpoints
from experiments.records.checkpoints import Checkpoint
from experiments.records.files import (
    append,
    lines_of,
    numbers,
    publish,
    sha256,
    storing,
    strings,
    sync,
    write,
    write_bytes,
)
from experiments.studies.identity import canonical
from experiments.studies.runs import Run

__all__ = [
    "ROOT",
    "UNREADABLE",
    "Attempt",
    "Record",
    "damage",
    "discard",
    "evaluations",
    "folder",
    "give_up",
    "inside",
    "publish",
    "read",
    "write",
]
ROOT = Path("runs")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclasses.dataclass(frozen=True)
class Record:
    """A finished run as it was read back.

    Attributes:
        run: its specification.
        status: `done` or `diverged`; both are results.
        environment: versions, commit, threads and the like.
        summary: what the run says of itself at the end.
        evaluations: one table for each step of the grid, from 0; with test scores when they were asked for.
        files: further files of the run by kind, such as `cases`, when test scores were asked for.
    """

    run: Run
    status: str
    environment: Mapping[str, Any]
    summary: Mapping[str, Any]
    evaluations: tuple[Mapping[str, Any], ...]
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)


def folder(root: Path, study_name: str, run: Run) -> Path:
    """Returns the folder of a run, without making it.

    Raises:
        UserError: the name is no plain word, or a link leads out of the root.
    """
    if not re.fullmatch(r"\w[\w-]*(\.\w[\w-]*)*", study_name):
        raise UserError(f"A study's name must be letters, digits, _, - and single dots, got '{study_name}'.")
    identity = run.identity
    return inside(root, root / f"{study_name}-{run.study[:8]}" / "trials" / identity[:2] / identity[:20])


def inside(root: Path, path: Path) -> Path:
    """Returns a path that lies in a folder, links followed.

    Raises:
        UserError: it leads out of the folder.
    """
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{path} leads out of {root}, to {path.resolve()}; nothing was written there.")
    return path


class Attempt:
    """One attempt at a run: opens its files, takes evaluations, ends with a result or gives up."""

    def __init__(self, path: Path, run: Run, start: Checkpoint | None = None) -> None:
        """Claims the next free attempt number in the folder, and takes over what a checkpoint has."""
        self.path, self.run = path, run
        with storing(path):
            path.mkdir(parents=True, exist_ok=True)
            if not (path / "spec.json").exists():
                write(path / "spec.json", canonical(run.content))
            self.number = _claim(path)
        self._evaluations: list[Mapping[str, Any]] = []
        self._attached: list[Path] = []
        if start is not None:
            header = {"attempt": self.number, "resumed_attempt": start.attempt, "resumed_step": start.step}
            append(self._file("metrics"), header)
            for evaluation in start.evaluations:
                self.append(evaluation)

    def append(self, evaluation: Mapping[str, Any]) -> None:
        """Adds one evaluation; test scores go to their own file."""
        test = {key: value for key, value in evaluation.items() if key.startswith("test_")}
        seen = {key: value for key, value in evaluation.items() if key not in test}
        append(self._file("metrics"), seen)
        if test:
            append(self._file("test"), {"step": evaluation["step"], "epoch": evaluation["epoch"], **test})
        self._evaluations.append(evaluation)

    def checkpoint(self, variables: Iterable[Any]) -> None:
        """Keeps the state after the last evaluation, so that another attempt goes on from it."""
        state = Checkpoint(self.number, tuple(map(dict, self._evaluations)), tuple(variables))
        checkpoints.save(self.path, self.run.identity, state)

    def attach(self, name: str, content: bytes) -> None:
        """Adds a further file, such as `cases.csv`."""
        kind, _, ending = name.partition(".")
        path = self.path / f"{kind}-{self.number}.{ending}"
        write_bytes(path, content)
        self._attached.append(path)

    def finish(self, status: str, environment: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Publishes the run: the result first, DONE last; its checkpoints have served."""
        files = [f for f in (self._file("metrics"), self._file("test"), *self._attached) if f.exists()]
        with storing(self.path):
            for file in files:
                sync(file)
        result = {
            "status": status,
            "environment": dict(environment),
            "summary": dict(summary),
            "files": {file.name: sha256(file) for file in files},
        }
        path = self.path / f"result-{self.number}.json"
        write(path, canonical(strings(result)))
        publish(self.path / "DONE", f"{self.number} {sha256(path)}")
        checkpoints.remove(self.path)

    def give_up(self, status: str, error: str) -> None:
        """Says how the attempt ended without a result: `failed`, `oom`, `killed` or `interrupted`."""
        give_up(self.path, self.number, status, error)

    def _file(self, kind: str) -> Path:
        return self.path / f"{kind}-{self.number}.jsonl"


def give_up(path: Path, attempt: int, status: str, error: str) -> None:
    """Says for an attempt, which may not be able to, how it ended without a result."""
    write(path / f"ended-{attempt}.json", canonical({"status": status, "error": error}))


def read(path: Path, *, test: bool = False) -> Record | None:
    """Returns the record in a folder, or None when there is none that can be believed.

    Args:
        path: folder of the run.
        test: whether to open the test scores; only figures and reports do.
    """
    try:
        return _read(path, test)
    except UNREADABLE:
        return None


def damage(path: Path) -> str | None:
    """Returns why a folder that says it is done is no record, or None when it is one or does not say so."""
    if not (path / "DONE").exists():
        return None
    try:
        _read(path, False)
    except UNREADABLE as error:
        return f"the record in {path} is damaged: {error}"
    return None


def discard(path: Path) -> None:
    """Takes the mark of completion off a run, so that it is run again; its files stay."""
    if (path / "DONE").exists():
        with storing(path), contextlib.suppress(FileNotFoundError):  # another process was first
            (path / "DONE").replace(path / f"DONE.{secrets.token_hex(4)}.old")


def evaluations(path: Path) -> list[dict[str, Any]]:
    """Returns the whole evaluations in a file, without the line that says where they go on from."""
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
        raise ValueError("its evaluations do not say after which step they are; an earlier version made it")
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


def _claim(path: Path) -> int:
    number = 1
    while True:
        try:
            (path / f"metrics-{number}.jsonl").open("x").close()
        except FileExistsError:
            number += 1
        else:
            return number
