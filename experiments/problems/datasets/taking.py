"""Prepares a data set from what the user has: a folder, an archive or a package. Nothing in it is executed."""

import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import archives, idx
from experiments.problems.datasets.cards import SPLITS, Card, OwnCard, root
from experiments.problems.datasets.load import builder, digests

SCRATCH = ".unpacked-"  # how folders begin that are gone once a data set is prepared; then come machine and process
SILENCE = 3600.0  # seconds without a change, after which such a folder of another machine is left over
NEITHER = "is neither a folder nor a .tar, .tgz, .zip, .whl or .deb archive"


def take(name: str, path: Path) -> Card | OwnCard:
    """Prepares a data set from the user's folder or archive, and returns its card.

    Earlier preparations are replaced once the new files are found to be valid; a UserError lists what is not.
    """
    card = datasets.CARDS[name]
    if not isinstance(card, Card | OwnCard) or not card.archive:
        raise UserError(f"The data set {name} needs no files of yours; it is prepared when a study uses it.")
    if not path.is_dir() and not archives.is_archive(path):
        raise UserError(f"{path} {NEITHER}; {card.instructions}")
    try:
        root().mkdir(parents=True, exist_ok=True)
        _clear(root())
        prefix = f"{SCRATCH}{socket.gethostname()}-{os.getpid()}-"
        with tempfile.TemporaryDirectory(dir=root(), prefix=prefix) as scratch:
            _replace(card, _made(card, path, Path(scratch)), Path(scratch))
    except OSError as error:  # no permission, a full disk and such
        what = f"{error.strerror}: {error.filename}" if error.filename else error
        raise UserError(f"{path} cannot be prepared ({what}).") from error
    return card


def remarks(card: Card | OwnCard) -> Iterator[str]:
    """Yields what the user should know of the prepared data, in sentences without their full stop."""
    if isinstance(card, OwnCard):
        yield from card.remarks
    elif card.usual and (other := [split for split in SPLITS if card.found.get(split) != card.usual[split]]):
        yield (
            f"the slices of {' and '.join(other)} are not to the last bit those of the committed results, so that "
            "yours may differ from them"
        )


def _clear(folder: Path) -> None:
    """Removes what preparations that were killed have left behind."""
    for place in folder.glob(f"{SCRATCH}*"):
        if _left(place):
            shutil.rmtree(place, ignore_errors=True)


def _left(place: Path) -> bool:
    """Returns whether the process that made a folder has ended, or changes nothing in it any more."""
    host, _, process = place.name.removeprefix(SCRATCH).rpartition("-")[0].rpartition("-")
    if host == socket.gethostname() and process.isdecimal():
        try:
            os.kill(int(process), 0)  # asks only whether it is there
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass  # it is somebody else's
    try:
        changed = max(one.lstat().st_mtime for one in (place, *place.rglob("*")))
    except OSError:  # somebody removes it
        return False
    return time.time() - changed > SILENCE


def _made(card: Card | OwnCard, path: Path, scratch: Path) -> Path:
    """Prepares the data below a folder, and returns where."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if isinstance(card, Card) and card.url is not None:
        made = _as_downloaded(card, idx.read(path, card.contents), scratch)
        made.download_and_prepare()
        return Path(made.data_dir)
    if isinstance(card, Card) and card.contents:
        made = builder(card, scratch / "made")
        made.given = path
        made.download_and_prepare()
        return Path(made.data_dir)
    folder = path
    if not path.is_dir():
        folder = scratch / "archive"
        archives.unpack(path, folder)
    made = builder(card, scratch / "made")
    try:
        made.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=folder))
    except UserError as error:  # names the folder of the unpacked archive
        if folder == path:
            raise
        raise UserError(str(error).replace(f"The folder {folder}", f"The archive {path}")) from error
    made.info.metadata["digests"] = digests(made)
    made.info.metadata.save_metadata(made.data_dir)
    return Path(made.data_dir)


def _as_downloaded(card: Card, files: Mapping[str, bytes], scratch: Path) -> Any:
    """Returns the builder of tensorflow-datasets, which finds some files where it would put what it downloads.

    So it stores the examples in its own order, which the committed split speaks of.
    """
    import tensorflow_datasets as tfds

    for name, content in files.items():
        (scratch / name).write_bytes(content)
    made: Any = tfds.builder_cls(card.stored_as or card.name)(data_dir=scratch / "made", version=card.version)
    split = made._split_generators

    class Downloads:
        def download_and_extract(self, urls: Mapping[str, str]) -> dict[str, Path]:
            return {key: scratch / Path(url).stem for key, url in urls.items()}

    made._split_generators = lambda dl_manager: split(Downloads())
    return made


def _replace(card: Card | OwnCard, made: Path, scratch: Path) -> None:
    """Moves new files to their place, and earlier ones from there to the scratch folder."""
    card.folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        card.folder.rename(scratch / "earlier")
    made.rename(card.folder)
