"""The record of a run: a folder named by the run's hash, written so that no half of it can be believed.

    runs/<study>-<study hash, 8>/trials/<hash, 2>/<hash, 20>/
        spec.json               the whole specification, canonical; never rewritten
        metrics-<attempt>.jsonl one checksummed line for each evaluation
        test-<attempt>.jsonl    the same for the test split, opened by figures and reports alone
        cases-<attempt>.csv     of a segmentation, every metric of each test case; opened as the test scores are
        predictions-<attempt>.npz   and what was predicted, so that figures are drawn again without training
        result-<attempt>.json   how it ended, the environment, SHA-256 of the files above
        DONE                    written last: the attempt that counts, and SHA-256 of its result

A folder without DONE is no record. Each attempt writes files of its own, so that two processes at
one run cannot tear each other's; the first to write DONE counts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.identity import canonical
from experiments.runs import Run

ROOT = Path("runs")


@dataclasses.dataclass(frozen=True)
class Record:
    """A finished run as it was read back.

    Attributes:
        run: its specification.
        status: `done` or `diverged`; both are results.
        environment: versions, commit, threads and the like.
        summary: what the run says of itself at the end.
        evaluations: one table a pass, from 0; with test scores when they were asked for.
        files: further files of the run by kind, such as `cases`, when test scores were asked for.
    """

    run: Run
    status: str
    environment: Mapping[str, Any]
    summary: Mapping[str, Any]
    evaluations: tuple[Mapping[str, Any], ...]
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)


def folder(root: Path, study_name: str, run: Run) -> Path:
    """Returns the folder of a run, without making it."""
    identity = run.identity
    return root / f"{study_name}-{run.study[:8]}" / "trials" / identity[:2] / identity[:20]


class Attempt:
    """One attempt at a run: opens its files, takes evaluations, ends with a result."""

    def __init__(self, path: Path, run: Run) -> None:
        """Claims the next free attempt number in the folder."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        if not (path / "spec.json").exists():
            write(path / "spec.json", canonical(run.content))
        self.number = _claim(path)
        self._attached: list[Path] = []

    def append(self, evaluation: Mapping[str, Any]) -> None:
        """Adds one evaluation; test scores go to their own file."""
        test = {key: value for key, value in evaluation.items() if key.startswith("test_")}
        seen = {key: value for key, value in evaluation.items() if key not in test}
        _append(self._file("metrics"), seen)
        if test:
            _append(self._file("test"), {"epoch": evaluation["epoch"], **test})

    def attach(self, name: str, content: bytes) -> None:
        """Adds a further file, such as `cases.csv`."""
        kind, _, ending = name.partition(".")
        path = self.path / f"{kind}-{self.number}.{ending}"
        path.write_bytes(content)
        self._attached.append(path)

    def finish(self, status: str, environment: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Publishes the run: the result first, DONE last."""
        files = [f for f in (self._file("metrics"), self._file("test"), *self._attached) if f.exists()]
        for file in files:
            _sync(file)
        result = {
            "status": status,
            "environment": dict(environment),
            "summary": dict(summary),
            "files": {file.name: _sha256(file) for file in files},
        }
        path = self.path / f"result-{self.number}.json"
        write(path, canonical(_strings(result)))
        publish(self.path / "DONE", f"{self.number} {_sha256(path)}")

    def _file(self, kind: str) -> Path:
        return self.path / f"{kind}-{self.number}.jsonl"


def read(path: Path, *, test: bool = False) -> Record | None:
    """Returns the record in a folder, or None when there is none that can be believed.

    Args:
        path: folder of the run.
        test: whether to open the test scores; only figures and reports do.
    """
    try:
        number, sha256 = (path / "DONE").read_text(encoding="utf-8").split()
        result = _numbers(json.loads((path / f"result-{int(number)}.json").read_text("utf-8")))
        run = Run(**json.loads((path / "spec.json").read_text("utf-8")))
        files = {**result["files"], f"result-{int(number)}.json": sha256}
        if run.identity[:20] != path.name or any(_sha256(path / name) != sha for name, sha in files.items()):
            return None
        lines = lines_of(path / f"metrics-{int(number)}.jsonl")
        more = {name.split("-")[0]: path / name for name in result["files"] if not name.endswith(".jsonl")}
        if test and (path / f"test-{int(number)}.jsonl").exists():
            sealed = lines_of(path / f"test-{int(number)}.jsonl")
            lines = [seen | shown for seen, shown in zip(lines, sealed, strict=True)]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Record(run, result["status"], result["environment"], result["summary"], tuple(lines), more if test else {})


def discard(path: Path) -> None:
    """Takes the mark of completion off a run, so that it is run again; its files stay."""
    with contextlib.suppress(FileNotFoundError):
        (path / "DONE").replace(path / f"DONE.{secrets.token_hex(4)}.old")


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    temporary = _temporary(path, text)
    temporary.replace(path)
    _sync(path.parent)


def publish(path: Path, text: str) -> None:
    """Writes a file whole unless it is there already; the first writer wins."""
    temporary = _temporary(path, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        temporary.replace(path)
    temporary.unlink(missing_ok=True)
    _sync(path.parent)


def line(payload: Mapping[str, Any]) -> str:
    """Returns a line of JSON that carries the CRC-32 of its content as its last key."""
    text = canonical(_strings(dict(payload)))
    return f'{text[:-1]}{"," if len(text) > 2 else ""}"crc":"{zlib.crc32(text.encode()):08x}"}}'


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Returns the whole lines of a file; a torn or altered one is left out."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            payload = json.loads(text)
            payload.pop("crc", None)
            if line(payload) == text:
                found.append(_numbers(payload))
    return found


def _claim(path: Path) -> int:
    number = 1
    while True:
        try:
            (path / f"metrics-{number}.jsonl").open("x").close()
        except FileExistsError:
            number += 1
        else:
            return number


def _append(path: Path, payload: Mapping[str, Any]) -> None:
    with path.open("ab") as file:
        file.write(line(payload).encode() + b"\n")


def _temporary(path: Path, text: str) -> Path:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _strings(value: Any) -> Any:
    """Returns a value whose numbers that JSON lacks are the words nan, inf and -inf."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _strings(item) for key, item in value.items()}
    return value


def _numbers(value: Any) -> Any:
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return value
