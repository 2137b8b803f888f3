"""Checkpoints on disk: whole or absent, verified before they are used, never unpickled.

A checkpoint is a folder `step-00000012-epoch-0003` with `arrays.npz`, `record.json` and, written last, `MANIFEST.json`:
size and sha256 of the other two. It is built under a temporary name and renamed when everything has reached the disk,
so that a crash at any moment leaves the earlier checkpoints as they were.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ARRAYS, RECORD, MANIFEST = "arrays.npz", "record.json", "MANIFEST.json"
NAME = re.compile(r"step-(\d+)-epoch-(\d+)")


class Damaged(ValueError):
    """A checkpoint is not what was written; the message names the file."""


def name(step: int, epoch: int) -> str:
    """Returns the name of the checkpoint taken after `step` batches in all, with `epoch` epochs done."""
    return f"step-{step:08d}-epoch-{epoch:04d}"


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Makes the folder and tries that it can be written to.

    Raises:
        ValueError: it cannot, or the path has placeholders.
    """
    path = Path(folder)
    if set("{}") & set(str(path)):
        raise ValueError(
            f"{path}: a folder of checkpoints takes no placeholders such as {{epoch}}: it names them itself."
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"{path}: checkpoints cannot be written there ({error.strerror}).") from error
    return path


def newest_first(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder."""
    matches = [(NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    positions = [(int(match[1]), int(match[2]), path) for match, path in matches if match]
    return [path for *_, path in sorted(positions, reverse=True)]


def keep(folder: Path, names: Iterable[str]) -> None:
    """Deletes every other checkpoint in a folder, and what an interrupted `write` has left."""
    wanted = set(names)
    for path in folder.iterdir():
        if path.name not in wanted and NAME.fullmatch(path.name.removesuffix(".partial")):
            shutil.rmtree(path)


def write(folder: Path, name: str, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
    """Writes one checkpoint, or, where that fails, nothing.

    Args:
        folder: an existing folder.
        name: of the checkpoint in it.
        arrays: numbers of any dtype and shape.
        record: what JSON can hold.

    Raises:
        OSError: with the path and the size; the checkpoints that were there are untouched.
    """
    partial, final = folder / f"{name}.partial", folder / name
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _fill(partial, arrays, record)
        if final.exists():  # damaged, or given up for an earlier one
            shutil.rmtree(final)
        partial.rename(final)
        _flush(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        megabytes = sum(array.nbytes for array in arrays.values()) / 1e6
        reason = f"{error.strerror}; while writing a checkpoint of {megabytes:.1f} MB"
        raise OSError(error.errno, reason, str(final)) from error


def _fill(partial: Path, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any]) -> None:
    layout = [[key, array.dtype.name, array.shape] for key, array in arrays.items()]
    # As bytes, because NumPy's format does not know bfloat16.
    flat = {str(i): np.ascontiguousarray(a).reshape(-1).view(np.uint8) for i, a in enumerate(arrays.values())}
    np.savez(partial / ARRAYS, **flat)  # type: ignore[arg-type]
    (partial / RECORD).write_text(json.dumps({**record, "arrays": layout}))
    manifest = {}
    for file in (ARRAYS, RECORD):
        with (partial / file).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            manifest[file] = {"size": stream.tell(), "sha256": digest}
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for path in (partial / ARRAYS, partial / RECORD, partial / MANIFEST, partial):
        _flush(path)


def _flush(path: Path) -> None:
    """Waits until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(checkpoint: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns the arrays and the record of a checkpoint, from the very bytes that were verified.

    Raises:
        Damaged: a file is missing, cut, changed or of another checkpoint.
    """
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_bytes())
        wanted = {file: manifest[file] for file in (ARRAYS, RECORD)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{checkpoint / MANIFEST} is missing or damaged") from error
    contents = {file: _verified(checkpoint / file, entry) for file, entry in wanted.items()}
    record = json.loads(contents[RECORD])
    with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as flat:
        layout = enumerate(record.pop("arrays"))
        arrays = {key: flat[str(i)].view(np.dtype(dtype)).reshape(shape) for i, (key, dtype, shape) in layout}
    return arrays, record


def _verified(path: Path, entry: Any) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path} is missing or cannot be read") from error
    if entry != {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}:
        raise Damaged(f"{path} is damaged: it is not the file that {MANIFEST} describes")
    return content
