"""What no study needs any more: leases of the dead, temporary files, attempts that did not count."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from experiments.records import leases
from experiments.records.states import FINAL, State

ATTEMPT = re.compile(r"(metrics|test|cases|predictions|ended|result)-(\d+)\.\w+")


def superfluous(state: State) -> Iterator[Path]:
    """Yields what can be removed from the folder of a run that nobody is at; of a finished one its record stays."""
    folder = state.folder
    if leases.held(folder):
        return
    yield from sorted(folder.glob("lease*"))
    yield from sorted(folder.glob("*.tmp"))
    yield from sorted(folder.glob("ckpt/*.tmp"))
    if (folder / "DONE").exists():
        yield from sorted(folder.glob("ckpt"))
    if state.word in ("damaged", "outdated"):
        return  # its files may still tell somebody what happened
    yield from sorted(folder.glob("DONE.*.old"))
    kept = _kept(state)
    for path in sorted(folder.iterdir()):
        match = ATTEMPT.fullmatch(path.name)
        if match and int(match[2]) != kept:
            yield path


def remove(path: Path) -> int:
    """Removes a file, a link or a folder; returns the bytes that it held."""
    held = size(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return held


def size(path: Path) -> int:
    """Returns the bytes of a file or of all in a folder; a link holds none."""
    if path.is_symlink():
        return 0
    if path.is_dir():
        return sum(size(inner) for inner in path.iterdir())
    return path.stat().st_size if path.exists() else 0


def _kept(state: State) -> int:
    """Returns the attempt whose files stay: the one that counts, else the last."""
    if state.word in FINAL:
        return int((state.folder / "DONE").read_text(encoding="utf-8").split()[0])
    numbers = [int(match[2]) for path in state.folder.iterdir() if (match := ATTEMPT.fullmatch(path.name))]
    return max(numbers, default=0)
