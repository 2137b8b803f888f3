"""Atomic files, lines with checksums, and disk errors in one sentence."""

import contextlib
import hashlib
import json
import math
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.studies.identity import canonical


class StorageError(UserError):
    """A file could not be written; earlier files are intact."""


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns a disk error into a StorageError: one sentence with the path."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}{_free(path)}; "
            "finished runs are kept; once that is fixed, the same command continues."
        ) from error


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    with storing(path):
        temporary = _temporary(path, content)
        temporary.replace(path)
        sync(path.parent)


def publish(path: Path, text: str) -> None:
    """Writes a file whole unless it exists; the first writer wins."""
    with storing(path):
        temporary = _temporary(path, text.encode())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            temporary.replace(path)
        temporary.unlink(missing_ok=True)
        sync(path.parent)


def append(path: Path, payload: Mapping[str, Any]) -> None:
    """Appends a line to a file in one write, after ending a torn line; follows no link."""
    with storing(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
            content = b"\n" * torn + line(payload).encode() + b"\n"
            if os.write(descriptor, content) != len(content):
                raise OSError("only part of a line was written")
        finally:
            os.close(descriptor)


def line(payload: Mapping[str, Any]) -> str:
    """Returns a line of JSON with the CRC-32 of its content as the last key."""
    text = canonical(strings(dict(payload)))
    return f'{text[:-1]}{"," if len(text) > 2 else ""}"crc":"{zlib.crc32(text.encode()):08x}"}}'


def lines_of(path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """Returns the intact lines of a file, and the numbers, from 1, of torn or altered ones."""
    found, bad = [], []
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        payload = _checked(text) if text else None
        if payload is not None:
            found.append(payload)
        elif text:
            bad.append(number)
    return found, bad


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sync(path: Path) -> None:
    """Waits until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def strings(value: Any) -> Any:
    """Returns a value with NaN and infinities as the words nan, inf and -inf, because JSON lacks them."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: strings(item) for key, item in value.items()}
    return value


def numbers(value: Any) -> Any:
    """Returns a value with the words nan, inf and -inf as numbers."""
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    return value


def _checked(text: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, AttributeError):
        payload = json.loads(text)
        payload.pop("crc", None)
        if line(payload) == text:
            return dict(numbers(payload))
    return None


def _temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def _free(path: Path) -> str:
    """Returns the free space at a path, in words; empty if it is unknown."""
    folder = next((parent for parent in path.absolute().parents if parent.exists()), None)
    with contextlib.suppress(OSError):
        if folder is not None:
            return f" ({shutil.disk_usage(folder).free / 2**20:,.0f} MiB free)"
    return ""
