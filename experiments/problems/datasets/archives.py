"""Unpacks an untrusted archive: no member leaves the folder, and size and count are bounded."""

import contextlib
import shutil
import tarfile
import zipfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import IO

from experiments.errors import UserError

Members = Generator[tuple[str, int, IO[bytes]], None, None]

MOST_FILES = 20_000
MOST_BYTES = 20 * 2**30
MOST_RATIO = 200  # volumes in gzip hardly shrink; a bomb shrinks a thousandfold


def unpack(path: Path, folder: Path) -> None:
    """Unpacks a .tar, .tar.gz or .zip into an empty folder; a UserError if it is none, or damaged.

    Refused are names that lead out of the folder, links, devices, two files of one name, and more than a data set has.
    """
    try:
        _copy(path, folder, _tar(path) if tarfile.is_tarfile(path) else _zip(path))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise UserError(f"The archive {path} cannot be unpacked: {error or type(error).__name__}.") from error


def is_archive(path: Path) -> bool:
    """Returns whether a file is an archive that `unpack` knows."""
    return path.is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path))


def _tar(path: Path) -> Members:
    """Yields name, size and content of each file; folders are made as files need them."""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg():
                raise _refused(path, member.name, "is a link or a device, not a file")
            content = archive.extractfile(member)
            assert content is not None  # a regular file has content
            yield member.name, member.size, content


def _zip(path: Path) -> Members:
    if not zipfile.is_zipfile(path):
        raise UserError(f"The file {path} is neither a .tar nor a .zip archive.")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            kind = member.external_attr >> 16 & 0o170000
            if kind not in (0, 0o100000):
                raise _refused(path, member.filename, "is a link or a device, not a file")
            yield member.filename, member.file_size, archive.open(member)


def _copy(path: Path, folder: Path, files: Members) -> None:
    room = min(MOST_BYTES, MOST_RATIO * max(path.stat().st_size, 2**20))
    with contextlib.closing(files):
        for count, (name, size, content) in enumerate(files, start=1):
            with content:
                room -= size
                if count > MOST_FILES or room < 0:
                    raise _refused(path, name, "makes it hold more than a data set has")
                target = folder / _inside(path, name)
                if target.exists():
                    raise _refused(path, name, "is there twice")
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file)


def _inside(path: Path, name: str) -> PurePosixPath:
    """Returns a member's name when it stays inside the folder that it is unpacked to."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name or not name.isprintable():
        raise _refused(path, name, "leads out of the folder")
    return parts


def _refused(path: Path, name: str, why: str) -> UserError:
    return UserError(f"The archive {path} is not unpacked: its member {name!r} {why}.")
