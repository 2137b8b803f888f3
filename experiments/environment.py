"""Where and with what a run was made: recorded beside it, no part of its identity."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments import library

PACKAGES = ("tensorflow", "keras", "numpy")
HERE = Path(__file__).parent
# A change to one of these may change numbers; records made by other code are made again.
COUNTED = (
    "train.py",
    "grid.py",
    "passes.py",
    "schedules.py",
    "divergence.py",
    "seeds.py",
    "losses.py",
    "cases/predict.py",
    "metrics/*.py",
    "models/*.py",
    "tasks/*.py",
    "problems/*.py",
    "datasets/**/*.py",
    "datasets/**/*.npz",
)


@functools.cache
def source() -> str:
    """Returns the SHA-256 over the code that decides a run's numbers: the library and the training."""
    content = hashlib.sha256()
    for name, path in _counted():
        content.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return content.hexdigest()


@functools.cache
def versions() -> dict[str, str]:
    """Returns the versions that numbers depend on, read without importing the packages.

    With `onednn`, TensorFlow's switch for Intel's kernels, which sum in another order.
    """
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {"onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")}


@functools.cache
def commit() -> str:
    """Returns the git commit, with `+changes` when counted code differs from it, or `unknown`."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        counted = (f":(glob){HERE}/{pattern}" for pattern in COUNTED)
        changed = _git("status", "--porcelain", "--", str(library.folder()), *counted)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + ("+changes" if changed else "")


def describe(workers: int) -> dict[str, Any]:
    """Returns the environment of the runs that this process hands out."""
    return {
        **versions(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "workers": workers,
        "threads_per_worker": 1,
        "timing": "alone" if workers == 1 else "not-for-timing: other runs trained at the same time",
        "commit": commit(),
        "source": source(),
    }


def current(environment: Mapping[str, Any]) -> bool:
    """Returns whether a recorded run was made by the code and versions at hand."""
    return not difference(environment)


def difference(environment: Mapping[str, Any]) -> str:
    """Returns what code and versions a recorded run was made by, where they are not those at hand, or nothing.

    Such as: keras 3.14.0 (here 3.15.1), other code (commit 0a1b, here 2c3d).
    """
    was = {name: environment.get(name, "unknown") for name in versions()}
    found = [f"{name} {was[name]} (here {now})" for name, now in versions().items() if was[name] != now]
    if environment.get("source") != source():
        commits = f" (commit {environment['commit']}, here {commit()})" if "commit" in environment else ""
        found.append(f"other code{commits}")
    return ", ".join(found)


def _counted() -> Iterator[tuple[str, Path]]:
    library_folder = library.folder()
    for path in sorted(library_folder.glob("**/*.py")):
        yield f"tfoptim/{path.relative_to(library_folder).as_posix()}", path
    for pattern in COUNTED:
        for path in sorted(HERE.glob(pattern)):
            yield f"experiments/{path.relative_to(HERE).as_posix()}", path


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(HERE), *arguments],
        capture_output=True,
        check=True,
        encoding="utf-8",
        errors="replace",
        timeout=10,
    ).stdout.strip()
