"""`python -m experiments lint`: which rules a study breaks, with its selection and with the records that there are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from experiments import studies as config
from experiments import terminal
from experiments.analysis.lint import Finding, findings, remarks
from experiments.analysis.lint.case import cases, identities
from experiments.records import run_folder
from experiments.records.run_folder import Record


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    parser.add_argument("study", nargs="*", help="studies, or paths of .toml files (default: all studies)")


def run(given: argparse.Namespace) -> int:
    """Prints what each study breaks, and what breaks no rule and should be known.

    Returns:
        0 when there is nothing to say, 1 when there is.

    Raises:
        UserError: there is no such study, or it has faults.
    """
    paths = [config.find(name) for name in given.study or config.names()]
    said = {path: list(_findings(path)) for path in paths}
    for path, found in said.items():
        for remark in _remarks(path):
            terminal.say(f"{path.stem}: breaks no rule: {remark}", 2)
        for finding in found:
            terminal.say(f"{path.stem}: {finding}", 2)
        if not found:
            print(f"{path.stem}: nothing to say")
    return int(any(said.values()))


def _findings(path: Path) -> Iterator[Finding]:
    for own_path, study in config.each(path, config.load(path)):
        (case,) = cases(own_path, ())
        found, damaged = _recorded(own_path.stem, set(identities(case).values()))
        if damaged:
            yield Finding("L-B2", f"{len(damaged)} records of {study.task} are damaged, such as: {damaged[0]}.")
        yield from findings(own_path, found)


def _remarks(path: Path) -> Iterator[str]:
    for own_path, _ in config.each(path, config.load(path)):
        for case in cases(own_path, ()):
            yield from remarks(case)


def _recorded(name: str, studies: set[str]) -> tuple[list[Record], list[str]]:
    """Returns the finished records of a study, test scores closed, and why each of the others cannot be believed."""
    folders = [run_folder.ROOT / f"{name}-{study[:8]}" for study in sorted(studies)]
    done = [mark.parent for folder in folders for mark in sorted(folder.glob("trials/*/*/DONE"))]
    found = [record for path in done if (record := run_folder.read(path)) is not None]
    return found, [damage for path in done if (damage := run_folder.damage(path)) is not None]
