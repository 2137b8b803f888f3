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
from typing import IO, Any

from experiments.errors import UserError

Members = Generator[tuple[str, int, IO[bytes] | None], None, None]  # name, size and content; a folder has no content

MOST_FILES = 20_000
MOST_BYTES = 20 * 2**30
MOST_RATIO = 200  # volumes in gzip hardly shrink; a bomb shrinks a thousandfold
FAULTS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
DEBIAN, HEADER = b"!<arch>\n", 60  # how a Debian package begins, and bytes before each of its parts
PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"]\0\0": "xz"}  # how a compressed .tar begins
ZSTD = b"\x28\xb5\x2f\xfd"
MOST_BEHIND = 2**24  # bytes behind the last member, which writers of tapes fill with zeros
MOST_NAME = 255  # bytes of a name in a folder, by what systems of files can hold
MOST_HEADER = 2**18  # bytes of a member's long name or attributes; several may come before one member
LONG = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of which not more is unpacked than is asked for


class Hostile(tarfile.TarError):
    """A member of a .tar that no data set has."""


class _Info(tarfile.TarInfo):
    """A member of a .tar; one whose description alone would fill the memory is refused before it is read."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in LONG and not 0 <= self.size <= MOST_HEADER:
            raise Hostile(f"the name or the attributes of a member take {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]

    def _holes(self, *_: Any) -> Any:
        raise Hostile("a member is stored as a sparse file, which is not read")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _holes


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
            return {name.as_posix(): _content(content) for name, content in files if wanted(name)}
    names = (PurePosixPath(file.relative_to(path).as_posix()) for file in path.rglob("*") if file.is_file())
    return {name.as_posix(): (path / name).read_bytes() for name in sorted(filter(wanted, names))}


def _content(file: IO[bytes]) -> bytes:
    """Returns what a member holds; of a .zip, `read()` would unpack more than the member says it is."""
    return b"".join(iter(lambda: file.read(2**20), b""))


def is_archive(path: Path) -> bool:
    """Returns whether a file is an archive that can be read."""
    return path.is_file() and (_is_tar(path) or zipfile.is_zipfile(path) or _is_debian(path))


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
    kind = _tar if _is_tar(path) else _debian if _is_debian(path) else _zip
    try:
        with contextlib.closing(_checked(path, kind(path))) as files:
            yield files
    except FAULTS as error:
        raise UserError(f"The archive {path} cannot be {done}: {error or type(error).__name__}.") from error


def _checked(path: Path, files: Members) -> Generator[tuple[PurePosixPath, IO[bytes]], None, None]:
    room = min(MOST_BYTES, MOST_RATIO * max(path.stat().st_size, 2**20))
    names, folders = set[PurePosixPath](), set[PurePosixPath]()
    with contextlib.closing(files):
        for count, (name, size, content) in enumerate(files, 1):
            with content or contextlib.nullcontext():
                room -= size
                if count > MOST_FILES or room < 0:
                    raise _refused(path, name, "makes it hold more than a data set has")
                if content is None:
                    continue  # folders are made as files need them
                place = _inside(path, name)
                if place in names:
                    raise _refused(path, name, "is there twice")
                if place in folders or not names.isdisjoint(place.parents):
                    raise _refused(path, name, "makes one name that of a file and of a folder")
                names.add(place)
                folders.update(place.parents)
                yield place, content


def _is_tar(path: Path) -> bool:
    """Returns whether a file is a .tar, even one that is refused; of `tarfile.is_tarfile` the names are not bounded."""
    try:
        with path.open("rb") as file, _tarfile(file):
            return True
    except Hostile:
        return True
    except FAULTS:
        return False


def _tarfile(file: IO[bytes]) -> tarfile.TarFile:
    """Opens a .tar by how it is compressed, so that an error has one reason and not one for each way."""
    start = file.read(max(map(len, PACKED)))
    file.seek(0)
    if start.startswith(ZSTD):
        raise ValueError("it is packed with zstd, which is not read")
    packing = next((kind for begin, kind in PACKED.items() if start.startswith(begin)), "")
    return tarfile.open(fileobj=file, mode=f"r:{packing}", tarinfo=_Info)  # type: ignore[call-overload, no-any-return]


def _is_debian(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(DEBIAN)) == DEBIAN


def _tar(path: Path) -> Members:
    with path.open("rb") as file, _tarfile(file) as archive:
        yield from _of_tar(path, archive)


def _debian(path: Path) -> Members:
    """Yields the files that a Debian package installs; its scripts are in another part, which is passed over."""
    with path.open("rb") as file:
        file.seek(len(DEBIAN))
        while len(header := file.read(HEADER)) == HEADER:
            name, digits = header[:16].decode("ascii", "replace"), header[48:58].strip()
            if not digits.isdigit():
                raise ValueError(f"it is damaged, its part {name.strip()!r} has no size")
            size = int(digits)
            if name.startswith("data.tar"):
                with _part(file.read(size)) as archive:
                    yield from _of_tar(path, archive)
                return
            file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it is a Debian package without files")


def _part(content: bytes) -> tarfile.TarFile:
    """Opens the part of a Debian package that has its files."""
    if content.startswith(ZSTD):
        raise ValueError("it is packed with zstd, which is not read; unpack it with dpkg-deb -x and give the folder")
    return _tarfile(io.BytesIO(content))


def _of_tar(path: Path, archive: tarfile.TarFile) -> Members:
    for member in archive:
        if not (member.isdir() or member.isreg()):
            raise _refused(path, member.name, "is a link or a device, not a file")
        yield member.name, member.size, archive.extractfile(member)
    left: Any = archive.fileobj
    behind = 0
    while block := left.read(2**16):  # to its end, where what it is compressed by has its checksum
        behind += len(block)
        if behind > MOST_BEHIND:
            raise ValueError(f"it has more than {MOST_BEHIND:,} bytes behind its last member")


def _zip(path: Path) -> Members:
    if not zipfile.is_zipfile(path):
        raise UserError(f"The file {path} is no .tar, .zip, wheel or Debian package.")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                yield member.filename, 0, None
                continue
            kind = member.external_attr >> 16 & 0o170000
            if kind not in (0, 0o100000):
                raise _refused(path, member.filename, "is a link or a device, not a file")
            if member.compress_type not in READ:
                raise _refused(path, member.filename, "is compressed in another way than by deflate")
            yield member.filename, member.file_size, archive.open(member)


def _inside(path: Path, name: str) -> PurePosixPath:
    """Returns a member's name when it stays inside the folder that it is unpacked to."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name or not name.isprintable():
        raise _refused(path, name, "leads out of the folder")
    if not parts.parts or max(len(part.encode()) for part in parts.parts) > MOST_NAME:
        raise _refused(path, name[:MOST_NAME], "has no name" if not parts.parts else "has too long a name")
    return parts


def _refused(path: Path, name: str, why: str) -> UserError:
    return UserError(f"The archive {path} is not opened: its member {name!r} {why}.")
