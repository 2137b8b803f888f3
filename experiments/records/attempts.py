"""Attempts at a run: evaluations, checkpoints and the result, each in files of the attempt's own.

A checkpoint is one of `tfoptim.resume`, in `<run>/ckpt/step-<N>/`. It holds the evaluations so far, so that a later
attempt needs no file of an earlier one. Everything else, such as the order of the data and the augmentation, follows
from the seed and the step.

The checkpoint store is imported where it is used: the package around it imports TensorFlow, which a worker has loaded
anyway and commands such as `status` and `clean` do without.
"""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments import environment
from experiments.records.files import append, publish, sha256, storing, strings, sync, write, write_bytes
from experiments.studies.identity import canonical
from experiments.studies.runs import Run

CHECKPOINTS = "ckpt"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The state that a later attempt resumes from."""

    attempt: int  # number of the attempt that saved it
    evaluations: tuple[dict[str, Any], ...]  # those so far, from step 0
    variables: tuple[np.ndarray, ...]  # arrays in the order of the model's and the optimizer's variables

    @property
    def step(self) -> int:
        """The step after which it was saved."""
        return int(self.evaluations[-1]["step"])

    @property
    def epoch(self) -> float:
        """The epochs after which it was saved."""
        return float(self.evaluations[-1]["epoch"])


class Attempt:
    """One attempt at a run: opens its files, takes evaluations, ends with a result or without one."""

    def __init__(self, path: Path, run: Run, start: Checkpoint | None = None) -> None:
        """Claims the next free attempt number in the folder, and copies the evaluations of a checkpoint."""
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
        """Saves the state after the last evaluation, and removes all checkpoints but the newest two."""
        state = Checkpoint(self.number, tuple(map(dict, self._evaluations)), tuple(variables))
        save(self.path, self.run.identity, state)

    def attach(self, name: str, content: bytes) -> None:
        """Adds a further file, such as `cases.csv`."""
        kind, _, ending = name.partition(".")
        path = self.path / f"{kind}-{self.number}.{ending}"
        write_bytes(path, content)
        self._attached.append(path)

    def finish(self, status: str, environment: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
        """Publishes the record, the result first and DONE last, and removes the checkpoints."""
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
        with contextlib.suppress(OSError):
            shutil.rmtree(self.path / CHECKPOINTS)

    def give_up(self, status: str, error: str) -> None:
        """Records how the attempt ended without a result: `failed`, `oom`, `killed` or `interrupted`."""
        give_up(self.path, self.number, status, error)

    def _file(self, kind: str) -> Path:
        return self.path / f"{kind}-{self.number}.jsonl"


def give_up(path: Path, attempt: int, status: str, error: str) -> None:
    """Records how an attempt ended without a result, for a process that can no longer do so itself."""
    write(path / f"ended-{attempt}.json", canonical({"status": status, "error": error}))


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Saves a checkpoint of the run in a folder, and removes all but the newest two."""
    from tfoptim.resume import checkpoints

    place = folder / CHECKPOINTS
    content = {
        "run": identity,
        "attempt": checkpoint.attempt,
        "made_with": {"source": environment.source(), **environment.versions()},
        "evaluations": checkpoint.evaluations,
    }
    arrays = {str(number): np.asarray(array) for number, array in enumerate(checkpoint.variables)}
    with storing(place):
        if place.is_symlink():
            raise OSError("it is a link")
        checkpoints.write(place, checkpoints.name(checkpoint.step), arrays, content)
        checkpoints.keep(place)


def resumable(folder: Path, identity: str) -> tuple[Checkpoint | None, list[str]]:
    """Returns the newest intact checkpoint of a run, and why each newer one is skipped, in a sentence."""
    place = folder / CHECKPOINTS
    if not place.exists():
        return None, []
    from tfoptim.resume import checkpoints

    def check(content: Mapping[str, Any]) -> None:
        if content.get("run") != identity:
            raise checkpoints.Damaged("it belongs to another run")
        if difference := environment.difference(content.get("made_with", {})):
            raise checkpoints.Damaged(f"it was made with {difference}")

    found, skipped = checkpoints.newest_intact(place, check)
    reasons = [f"Checkpoint skipped: {place / reason}." for reason in skipped]
    if found is None:
        return None, reasons
    content = found.content
    return Checkpoint(content["attempt"], tuple(content["evaluations"]), tuple(found.arrays.values())), reasons


def _claim(path: Path) -> int:
    number = 1
    while True:
        try:
            (path / f"metrics-{number}.jsonl").open("x").close()
        except FileExistsError:
            number += 1
        else:
            return number
