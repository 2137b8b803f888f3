"""The commands that read records: lint, reproduce (which makes its runs first), mirror."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import studies
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.cli.request import Request, options_of, requests
from experiments.cli.study import CONTINUE, make
from experiments.errors import UserError
from experiments.errors import unknown as not_known
from experiments.problems import own, tasks
from experiments.records import files, run_folder
from experiments.records.run_folder import Record
from experiments.text import say

if TYPE_CHECKING:
    from experiments.analysis.lint import Finding

FILE = "reproduction.md"
SHOW = {
    "tensorboard": "tensorboard --logdir {folder}",
    "mlflow": "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db",
}


def lint(given: argparse.Namespace, typed: str) -> int:
    """Prints the rules that each study breaks, and which are outside the evidence; returns 1 with findings, else 0."""
    paths = [studies.find(name) for name in given.study or studies.names()]
    if not given.study:  # code of a study runs only when the user names it
        paths = [path for path in paths if not _left_out(path)]
    found = {path: list(_findings(path)) for path in paths}
    for path, findings in found.items():
        if foreign := studies.load(path).foreign:
            say(f"{path.stem}: outside the committed evidence, with code of its own: {', '.join(foreign)}.", 2)
        for finding in findings:
            say(f"{path.stem}: {finding}", 2)
        if not findings:
            print(f"{path.stem}: no findings")
    return int(any(found.values()))


def _left_out(path: Path) -> bool:
    """Says of a study with code of its own that it is not looked at; returns whether it is one."""
    foreign = studies.declared(path).foreign
    if foreign:
        how = f"its own code ({', '.join(foreign)}) runs only when it is named: lint {path.stem}"
        say(f"{path.stem}: outside the committed evidence: {how}", 2)
    return bool(foreign)


def _findings(path: Path) -> "Iterator[Finding]":
    from experiments.analysis.lint import Finding, findings
    from experiments.analysis.lint.case import cases, identities

    for own_path, study in studies.each(path, studies.load(path)):
        (case,) = cases(own_path, ())
        found, damaged = _recorded(own_path.stem, set(identities(case).values()))
        if damaged:
            yield Finding("L-B2", f"{len(damaged)} records of {study.task} are damaged, such as: {damaged[0]}.")
        yield from findings(own_path, found)


def _recorded(name: str, hashes: set[str]) -> tuple[list[Record], list[str]]:
    """Returns the finished records of a study, test scores sealed, and the damage of the others."""
    folders = [run_folder.ROOT / f"{name}-{study[:8]}" for study in sorted(hashes)]
    done = (mark.parent for folder in folders for mark in sorted(folder.glob("trials/*/*/DONE")))
    damage = [why for path in done if (why := run_folder.damage(path)) is not None]
    return list(run_folder.finished(folders)), damage


def reproduce(given: argparse.Namespace, typed: str) -> int:
    """Makes missing runs, writes and prints the table of each problem; returns 0 when all agree with known results."""
    options, path = options_of(given, typed), studies.find(given.study)
    unknown = _unknown(path)
    if unknown:
        there = ", ".join(name for name in studies.names() if not _unknown(studies.find(name)))
        raise UserError(f"The problem {unknown[0]} has no known results; studies that have some: {there}.")
    every = requests(options)
    for one in every:
        make(one, options)
    agreed = [_table(one, typed) for one in every]
    return int(not all(agreed))


def _unknown(path: Path) -> list[str]:
    """Returns the problems of a study with neither published results nor a known minimum."""
    from experiments.analysis.references import PUBLISHED

    names = [study.task for _, study in studies.each(path, studies.declared(path))]
    return [name for name in names if name not in PUBLISHED and (own.is_own(name) or not tasks.get(name).toy)]


def _table(request: Request, command: str) -> bool:
    """Writes and prints the table of one problem; returns whether it agrees with the published results."""
    from experiments import report
    from experiments.analysis import references

    task = tasks.get(request.study.task)
    found = report.opened(request.name, request.path, request.wanted)
    agrees = True
    if task.name in references.PUBLISHED:
        rows = references.beside(task, found)
        agrees = all(row.agrees for row in rows)
        lines = references.published_markdown(rows, f"test {task.score_title}")
    else:
        lines = references.minima_markdown(
            references.outcomes([entry.label for entry in request.study.optimizers], found)
        )
    made = found[0].environment
    versions = f"TensorFlow {made['tensorflow']}, Keras {made['keras']}, {made['system']}, commit {made['commit']}"
    origin = f"Study {request.name} {found[0].run.study[:8]}; {versions}; made by: {command}"
    text = "\n".join([f"# {task.title}", "", *lines, "", origin, ""])
    request.folder.mkdir(parents=True, exist_ok=True)
    files.write(request.folder / FILE, text)
    print(f"{text}\nWritten to {request.folder / FILE}.")
    return agrees


def mirror(given: argparse.Namespace, typed: str) -> None:
    """Copies the records, test scores sealed, and prints how to open them."""
    from experiments.report import mirrors

    if given.to not in SHOW:
        raise not_known("program to mirror to", given.to, SHOW)
    name = studies.find(given.study).stem
    folder = given.out or run_folder.ROOT / given.to
    records = list(run_folder.finished(sorted(run_folder.ROOT.glob(f"{name}-????????"))))
    if not records:
        raise UserError(f"No run of the study {name} is recorded in {run_folder.ROOT}: there is nothing to mirror.")
    count = mirrors.mirror(records, mirrors.opened(given.to, folder))
    say(f"{count} runs are mirrored; open them with: {SHOW[given.to].format(folder=folder)}")


COMMANDS = (
    Command(
        "lint",
        "study",
        "list the protocol rules that a study, its choices or its records break",
        lint,
        (option("study", nargs="*", help="studies, or paths of .toml files (default: all studies)"),),
        (("", "all studies"), ("mnist mine.toml", "two of them")),
    ),
    Command(
        "reproduce",
        "checks",
        "compare results with known ones: DeepOBS's, and minima of functions",
        reproduce,
        (shared.study("deepobs_quadratic"), *shared.SELECTION, *shared.EXECUTION, *shared.REPORT),
        (
            ("functions", "distance to the minima of functions"),
            ("deepobs_quadratic --seeds 1", "comparison with DeepOBS"),
        ),
        interrupted=CONTINUE,
    ),
    Command(
        "mirror",
        "checks",
        "show recorded runs in TensorBoard or MLflow",
        mirror,
        (
            option("study", help="a study, or the path of a .toml"),
            option("to", metavar="PROGRAM", help=" or ".join(SHOW)),
            option("--out", type=Path, metavar="FOLDER", help="output folder (default: runs/PROGRAM)"),
        ),
        (("mnist tensorboard", "write records for TensorBoard"), ("mnist mlflow", "the same for MLflow")),
    ),
)
