"""The folder of builds: where it is, and which of its files may be loaded.

A build is a folder of its own, put in place in one move once it has passed its check: `step.so`, and `digest` with the
SHA-256 of that file. A library is code, so it is loaded only if nobody but this user (or root) could have written it,
and if the digest is right.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from tfoptim.native import sources

LIBRARY, DIGEST = "step.so", "digest"
BUILDING, OLD = ".tfoptim-building-", ".tfoptim-old-"
"""Beginnings of the names of folders that are no builds yet, or no more."""

ABANDONED_SECONDS = 3600.0
"""Age from which the folder of an unfinished build is removed: a build takes two minutes, and may have been killed."""


class UnusableError(Exception):
    """There is no build that may be loaded; the message says why, and the remedy."""


TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""Reasons why a folder cannot be moved to a name: POSIX leaves the choice of the first two to the system."""

REMEDY = "build it with: python -m tfoptim.native"


def folder() -> Path:
    """Returns the folder of builds: TFOPTIM_NATIVE_FOLDER, or `tfoptim/native` in the user's cache."""
    given = os.environ.get("TFOPTIM_NATIVE_FOLDER")
    return Path(given).expanduser().absolute() if given else _cache() / "tfoptim" / "native"


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"  # the XDG standard ignores relative paths


def present() -> Path:
    """Returns the path of the library for this TensorFlow, machine and source.

    Raises:
        UnusableError: it is missing, damaged, or may have been written by another user.
    """
    build = folder() / sources.key()
    library = build / LIBRARY
    if not library.is_file():
        raise UnusableError(f"not built for TensorFlow {tf.version.VERSION}; {REMEDY}")
    for path in (folder().resolve(), build, library, build / DIGEST):
        if not is_ours(path):
            raise UnusableError(f"{path} can be written by other users, so it is not loaded; delete it, and {REMEDY}")
    if not _is_whole(build):
        raise UnusableError(f"{library} is damaged; {REMEDY}")
    return library


def is_ours(path: Path) -> bool:
    """Returns whether only this user, or root, can write a file or folder."""
    try:
        facts = path.lstat()
    except OSError:
        return False
    own = facts.st_uid in (0, os.getuid())
    return own and not stat.S_ISLNK(facts.st_mode) and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_whole(build: Path) -> bool:
    try:
        wanted = (build / DIGEST).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return False
    return wanted == digest(build / LIBRARY)


def digest(library: Path) -> str:
    """Returns the SHA-256 of a file."""
    return hashlib.sha256(library.read_bytes()).hexdigest()


def workshop() -> Path:
    """Returns a new private folder, next to the builds, to build in; removes those of builds that were killed.

    Raises:
        UnusableError: others can write the folder of builds, so that nothing in it would be loaded.
    """
    folder().mkdir(mode=0o755, parents=True, exist_ok=True)
    if not is_ours(folder().resolve()):
        raise UnusableError(
            f"{folder()} can be written by other users, so that no build in it would be loaded; set "
            "TFOPTIM_NATIVE_FOLDER to a folder of your own, or forbid them to write there (chmod go-w)."
        )
    for path in (path for prefix in (BUILDING, OLD) for path in folder().glob(f"{prefix}*")):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=BUILDING, dir=folder()))


def put(built: Path) -> Path:
    """Moves a checked build into place, and returns its library; of two processes, the later one's stays.

    Args:
        built: folder from `workshop`, with the library.
    """
    for path in built.iterdir():
        if path.name != LIBRARY:
            path.unlink()
    library = built / LIBRARY
    library.chmod(0o644)
    (built / DIGEST).write_text(digest(library) + "\n")
    (built / DIGEST).chmod(0o644)
    built.chmod(0o755)  # others may load what root has built for all
    place = folder() / sources.key()
    while True:
        try:
            built.rename(place)
        except OSError as error:
            if error.errno not in TAKEN:  # not "if nothing is there": another process may just have moved it
                raise
            _discard(place)
        else:
            return place / LIBRARY


def _discard(place: Path) -> None:
    """Removes a build, unless another process just does; processes that have it loaded keep it."""
    aside = Path(tempfile.mkdtemp(prefix=OLD, dir=folder()))
    with contextlib.suppress(FileNotFoundError):
        place.rename(aside / "build")
    shutil.rmtree(aside, ignore_errors=True)
