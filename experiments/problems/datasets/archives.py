"""Reads an untrusted archive or package: no member leaves the folder, size and count are bounded, nothing is executed.

It is a .tar, compressed or not (so is an npm package), a .zip (so is a wheel), or a Debian package.
"""

import contextlib
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from experiments.errors import UserError

Members = Generator[tuple[str, int, IO[bytes]], None, None]

MOST_FILES = 20_000
MOST_BYTES = 20 * 2**30
MOST_RATIO = 200  # volumes in gzip hardly shrink; a bomb shrinks a thousandfold
FAULTS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
DEBIAN, HEADER = b"!<arch>\n", 60  # how a Debian package begins, and bytes before each of its parts


def unpack(path: Path, folder: Path) -> None:
    """Unpacks an archive into an empty folder; a UserError if it is none, or damaged.

    Refused are names that lead out of the folder, links, devices, two files of one name, and more than a data set has.
    """
    with _opened(path, "unpacked") as files:
        for name, content in files:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file)


def read(path: Path, wanted: Callable[[PurePosixPath], bool]) -> dict[str, bytes]:
    """Returns the content of the wanted files of a folder or an archive, by name; refuses what `unpack` refuses."""
    if not path.is_dir():
        with _opened(path, "read") as files:
            return {name.as_posix(): content.read() for name, content in files if wanted(name)}
    names = (PurePosixPath(file.relative_to(path).as_posix()) for file in path.rglob("*") if file.is_file())
    return {name.as_posix(): (path / name).read_bytes() for name in sorted(filter(wanted, names))}


def is_archive(path: Path) -> bool:
    """Returns whether a file is an archive that can be read."""
    return path.is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path) or _is_debian(path))


def gunzip(packed: bytes, most: int) -> bytes:
    """Returns unpacked bytes; a ValueError if they are damaged, or more than they may be."""
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"is damaged ({error})") from error
    if len(content) > most:
        raise ValueError(f"holds more than {most:,} bytes")
    return content


@contextlib.contextmanager
def _opened(path: Path, done: str) -> Iterator[Iterator[tuple[PurePosixPath, IO[bytes]]]]:
    """Gives name and content of each file, one after the other, once it is known to be harmless."""
    kind = _tar if tarfile.is_tarfile(path) else _debian if _is_debian(path) else _zip
    try:
        with contextlib.closing(_checked(path, kind(path))) as files:
            yield files
    except FAULTS as error:
        raise UserError(f"The archive {path} cannot be {done}: {error or type(error).__name__}.") from error


def _checked(path: Path, files: Members) -> Generator[tuple[PurePosixPath, IO[bytes]], None, None]:
    room, names = min(MOST_BYTES, MOST_RATIO * max(path.stat().st_size, 2**20)), set[PurePosixPath]()
    with contextlib.closing(files):
        for name, size, content in files:
            with content:
                room -= size
                if len(names) == MOST_FILES or room < 0:
                    raise _refused(path, name, "makes it hold more than a data set has")
                place = _inside(path, name)
                if place in names:
                    raise _refused(path, name, "is there twice")
                names.add(place)
                yield place, content


def _is_debian(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(DEBIAN)) == DEBIAN


def _tar(path: Path) -> Members:
    with tarfile.open(path) as archive:
        yield from _of_tar(path, archive)


def _debian(path: Path) -> Members:
    """Yields the files that a Debian package installs; its scripts are in another part, which is passed over."""
    with path.open("rb") as file:
        file.seek(len(DEBIAN))
        while len(header := file.read(HEADER)) == HEADER:
            name, size = header[:16].decode("ascii", "replace"), int(header[48:58])
            if name.startswith("data.tar"):
                with tarfile.open(fileobj=io.BytesIO(file.read(size))) as archive:
                    yield from _of_tar(path, archive)
                return
            file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it is a Debian package without files")


def _of_tar(path: Path, archive: tarfile.TarFile) -> Members:
    """Yields name, size and content of each file; folders are made as files need them."""
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
        raise UserError(f"The file {path} is no .tar, .zip, wheel or Debian package.")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            kind = member.external_attr >> 16 & 0o170000
            if kind not in (0, 0o100000):
                raise _refused(path, member.filename, "is a link or a device, not a file")
            yield member.filename, member.file_size, archive.open(member)


def _inside(path: Path, name: str) -> PurePosixPath:
    """Returns a member's name when it stays inside the folder that it is unpacked to."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name or not name.isprintable():
        raise _refused(path, name, "leads out of the folder")
    return parts


def _refused(path: Path, name: str, why: str) -> UserError:
    return UserError(f"The archive {path} is not opened: its member {name!r} {why}.")
