"""Checkpoints on disk: complete or absent, verified before they are used, never unpickled.

    <folder>/step-00000012-epoch-0003/
        arrays.npz         the bytes of every array, in order
        content.json       their names, types and shapes; and whatever else the caller saves
        MANIFEST.json      size and SHA-256 of both

A checkpoint is written under a temporary name and renamed when everything is on disk, so that a crash at any moment
leaves the earlier checkpoints intact. This file imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ARRAYS, CONTENT, MANIFEST = "arrays.npz", "content.json", "MANIFEST.json"
KEPT = 2
_NAME = re.compile(r"step-(\d+)(?:-epoch-(\d+))?")


class Damaged(ValueError):
    """A checkpoint differs from what was written, or cannot be used; the message names the file."""


class Checkpoint(NamedTuple):
    """A verified checkpoint in memory."""

    path: Path
    arrays: dict[str, np.ndarray]
    content: dict[str, Any]


def name(step: int, epoch: int | None = None) -> str:
    """Returns the name of a checkpoint; names are ordered by step, then by completed epochs."""
    return f"step-{step:08d}" + ("" if epoch is None else f"-epoch-{epoch:04d}")


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Creates a folder for checkpoints and checks that it is writable.

    Raises:
        ValueError: it is not, or the path has placeholders.
    """
    path = Path(folder)
    if set("{}") & set(str(path)):
        raise ValueError(f"{path}: a checkpoint folder takes no placeholders such as {{epoch}}; files are named by us.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"{path}: cannot write checkpoints there ({error.strerror}).") from error
    return path


def newest_first(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder; none if it does not exist."""
    found = [(position, path) for path in folder.glob("step-*") if (position := _position(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def _position(name: str) -> tuple[int, int] | None:
    """Returns step and epoch of a checkpoint, or None for another file."""
    match = _NAME.fullmatch(name)
    return (int(match[1]), int(match[2] or 0)) if match else None


# Writing


def write(folder: Path, name: str, arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> None:
    """Writes one checkpoint, or nothing if that fails.

    Args:
        folder: created if missing.
        name: of the checkpoint; an existing one of this name is replaced.
        arrays: numbers of any dtype and shape, read back in this order.
        content: anything that JSON can hold, NaN and infinities included; `arrays` is reserved.

    Raises:
        OSError: with path and size; earlier checkpoints are untouched.
    """
    partial, final = folder / f"{name}.{secrets.token_hex(4)}.partial", folder / name
    try:
        partial.mkdir(parents=True)
        _fill(partial, arrays, content)
        if final.exists():  # damaged, or abandoned for an earlier one
            shutil.rmtree(final)
        partial.rename(final)
        _flush(folder)
    except OSError as error:
        megabytes = sum(array.nbytes for array in arrays.values()) / 1e6
        reason = f"{error.strerror}; while writing a checkpoint of {megabytes:.1f} MB"
        raise OSError(error.errno, reason, str(final)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def keep(folder: Path, names: Iterable[str] | None = None) -> None:
    """Deletes all checkpoints but some, and incomplete ones up to the newest of these.

    Args:
        folder: of the checkpoints; other files in it are left alone.
        names: of the checkpoints to keep; the newest `KEPT` if None.
    """
    kept = {path.name for path in newest_first(folder)[:KEPT]} if names is None else set(names)
    newest = max((position for name in kept if (position := _position(name))), default=(-1, -1))
    for path in folder.glob("step-*"):
        position = _position(path.name.split(".")[0])
        # Another process may be writing a newer one.
        unfinished = path.suffix == ".partial" and position and position <= newest
        if unfinished or (_position(path.name) and path.name not in kept):
            shutil.rmtree(path, ignore_errors=True)


def _fill(partial: Path, arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> None:
    layout = [[key, array.dtype.name, array.shape] for key, array in arrays.items()]
    # As bytes, because NumPy's format does not support bfloat16.
    flat = {str(i): np.ascontiguousarray(a).reshape(-1).view(np.uint8) for i, a in enumerate(arrays.values())}
    np.savez(partial / ARRAYS, **flat)  # type: ignore[arg-type]
    (partial / CONTENT).write_text(json.dumps({**content, "arrays": layout}))
    manifest = {}
    for file in (ARRAYS, CONTENT):
        with (partial / file).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            manifest[file] = {"size": stream.tell(), "sha256": digest}
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for path in (partial / ARRAYS, partial / CONTENT, partial / MANIFEST, partial):
        _flush(path)


def _flush(path: Path) -> None:
    """Waits until a file, or the list of names in a folder, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Reading


def newest_intact(
    folder: Path, check: Callable[[dict[str, Any]], None] | None = None
) -> tuple[Checkpoint | None, list[str]]:
    """Returns the newest usable checkpoint, or None, and why each newer one is skipped.

    Args:
        folder: of the checkpoints; may be missing.
        check: raises `Damaged` for the content of a checkpoint that must be skipped.
    """
    skipped: list[str] = []
    for path in newest_first(folder):
        try:
            found = read(path)
            if check is not None:
                check(found.content)
        except Damaged as error:
            skipped.append(f"{path.name}: {error}")
            continue
        return found, skipped
    return None, skipped


def read(path: Path) -> Checkpoint:
    """Returns a checkpoint, from the very bytes that were verified.

    Raises:
        Damaged: a file is missing, truncated, changed or of another checkpoint.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        wanted = {file: manifest[file] for file in (ARRAYS, CONTENT)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{MANIFEST} is missing or damaged") from error
    contents = {file: _verified(path / file, entry) for file, entry in wanted.items()}
    content = json.loads(contents[CONTENT])
    with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as flat:
        layout = enumerate(content.pop("arrays"))
        arrays = {key: flat[str(i)].view(np.dtype(dtype)).reshape(shape) for i, (key, dtype, shape) in layout}
    return Checkpoint(path, arrays, content)


def _verified(path: Path, entry: Any) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path.name} is missing or cannot be read") from error
    if entry != {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}:
        raise Damaged(f"{path.name} is damaged: {MANIFEST} describes another file")
    return content
