"""The state of a run at an evaluation, kept so that a later attempt goes on from it, to the last bit.

    <run>/ckpt/step-<N>/
        variables.bin      the bytes of every variable of model and optimizer, in order
        state.json         their shapes and types; every evaluation so far; with what code it was made
        MANIFEST.json      SHA-256 of both

A checkpoint holds the evaluations too, so that an attempt needs nothing of the attempts before it. The
folder appears by one renaming; the newest two are kept, and one that is damaged is passed over. What else a
run depends on, the order of the data and the augmentation, follows from its seed and the step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments import environment
from experiments.records.files import numbers, sha256, storing, strings, sync
from experiments.studies.identity import canonical

KEPT = 2
Evaluation = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A state to go on from.

    Attributes:
        attempt: the attempt that made it.
        evaluations: those so far, from step 0.
        variables: arrays in the order of the model's and the optimizer's variables.
    """

    attempt: int
    evaluations: tuple[Evaluation, ...]
    variables: tuple[np.ndarray, ...]

    @property
    def step(self) -> int:
        """The step after which it was made."""
        return int(self.evaluations[-1]["step"])

    @property
    def epoch(self) -> float:
        """The passes after which it was made."""
        return float(self.evaluations[-1]["epoch"])


def save(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint of the run in a folder, and removes all but the newest two.

    Raises:
        StorageError: it could not be written; the checkpoints before it are whole.
    """
    place = folder / "ckpt"
    temporary = place / f"{secrets.token_hex(4)}.tmp"
    with storing(place):
        if place.is_symlink():
            raise OSError("it is a link")
        temporary.mkdir(parents=True)
        try:
            _fill(temporary, identity, checkpoint)
            final = place / f"step-{checkpoint.step}"
            shutil.rmtree(final, ignore_errors=True)  # a damaged one that was passed over
            temporary.rename(final)
            sync(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in _newest_first(place)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def load(folder: Path, identity: str) -> tuple[Checkpoint | None, list[str]]:
    """Returns the newest sound checkpoint of a run, and a sentence on each newer one that was passed over."""
    passed_over: list[str] = []
    for path in _newest_first(folder / "ckpt"):
        try:
            return _read(path, identity), passed_over
        except (OSError, ValueError, KeyError, TypeError) as error:
            passed_over.append(f"The checkpoint {path} is passed over: {error}.")
    return None, passed_over


def remove(folder: Path) -> None:
    """Removes the checkpoints of a run that is finished."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder / "ckpt")


def _fill(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    arrays = [np.asarray(array, order="C") for array in checkpoint.variables]
    state = {
        "run": identity,
        "attempt": checkpoint.attempt,
        "made_with": _made_with(),
        "variables": [[list(array.shape), array.dtype.name] for array in arrays],
        "evaluations": [strings(evaluation) for evaluation in checkpoint.evaluations],
    }
    with (folder / "variables.bin").open("wb") as file:
        for array in arrays:
            file.write(array.reshape(-1).view(np.uint8).data)
    (folder / "state.json").write_text(canonical(state), encoding="utf-8")
    files = {name: sha256(folder / name) for name in ("variables.bin", "state.json")}
    (folder / "MANIFEST.json").write_text(canonical(files), encoding="utf-8")
    for name in (*files, "MANIFEST.json"):
        sync(folder / name)


def _read(path: Path, identity: str) -> Checkpoint:
    files = json.loads((path / "MANIFEST.json").read_text(encoding="utf-8"))
    for name in ("variables.bin", "state.json"):
        if sha256(path / name) != files[name]:
            raise ValueError(f"{name} does not match its checksum")
    state = json.loads((path / "state.json").read_text(encoding="utf-8"))
    if state["run"] != identity:
        raise ValueError("it belongs to another run")
    if difference := environment.difference(state["made_with"]):
        raise ValueError(f"it was made with {difference}")
    arrays = _arrays((path / "variables.bin").read_bytes(), state["variables"])
    return Checkpoint(state["attempt"], tuple(map(numbers, state["evaluations"])), tuple(arrays))


def _arrays(content: bytes, shapes: Sequence[tuple[list[int], str]]) -> list[np.ndarray]:
    found, start = [], 0
    for shape, name in shapes:
        dtype = np.dtype(name)
        count = int(np.prod(shape, dtype=np.int64))
        found.append(np.frombuffer(content, dtype, count, start).reshape(shape))
        start += count * dtype.itemsize
    return found


def _made_with() -> Mapping[str, str]:
    return {"source": environment.source(), **environment.versions()}


def _newest_first(place: Path) -> list[Path]:
    found = [path for path in place.glob("step-*") if re.fullmatch(r"step-\d+", path.name)]
    return sorted(found, key=lambda path: int(path.name[5:]), reverse=True)
