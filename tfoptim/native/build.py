"""Build of the native operation with the compiler of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tfoptim.native import sources, store

COMPILERS = ("c++", "g++", "clang++")


class BuildError(Exception):
    """The compiler or the check of its result has failed; the message has the last lines of what they wrote."""


def compiler() -> list[str] | None:
    """Returns the command of a C++ compiler, CXX if that is set, or None if there is none.

    Raises:
        BuildError: CXX is no command, or names a program that is not there.
    """
    text = os.environ.get("CXX", "")
    try:
        given = shlex.split(text)
    except ValueError as error:
        raise BuildError(f"CXX must be a command, got {text!r} ({error}).") from None
    if given and not shutil.which(given[0]):
        raise BuildError(f"CXX names {given[0]!r}, which is not found; correct it, or unset it to take {COMPILERS[0]}.")
    if given:
        return given
    return next(([name] for name in COMPILERS if shutil.which(name)), None)


def build(command: Sequence[str], report: Callable[[str], None]) -> Path:
    """Compiles, links, checks in a process of its own, and puts the library in place; returns its path.

    Args:
        command: of the compiler.
        report: hears what is being done.

    Raises:
        BuildError: the compiler fails, or the library does not do its work.
        UnusableError: the library could not be loaded from the folder of builds.
    """
    folder = store.workshop()
    try:
        report(f"Compiling {', '.join(sources.UNITS)} ...")
        objects = _compile(command, folder)
        library = folder / store.LIBRARY
        _run([*command, "-shared", *objects, "-o", str(library), *sources.links()])
        report("Checking ...")
        _run([sys.executable, "-m", "tfoptim.native.check", str(library)])
        return store.put(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compile(command: Sequence[str], folder: Path) -> list[str]:
    """Compiles all files, on as many cores as there are; returns the object files."""
    flags = (*sources.FLAGS, *sources.headers())
    objects = [str(folder / f"{unit}.o") for unit in sources.UNITS]
    pairs = zip(sources.UNITS, objects, strict=True)
    commands = [[*command, *flags, "-c", str(sources.FOLDER / unit), "-o", made] for unit, made in pairs]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_run, commands))
    return objects


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be started: {error}") from None
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise BuildError(f"{Path(command[0]).name} failed with code {done.returncode}:\n{tail}")
