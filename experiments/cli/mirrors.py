"""`python -m experiments mirror`: shows the recorded runs of a study in TensorBoard or MLflow."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments import studies, terminal
from experiments.errors import UserError, unknown
from experiments.report.mirrors import PACKAGES

SHOW = {
    "tensorboard": "tensorboard --logdir {folder}",
    "mlflow": "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("study", help="a study, or the path of a .toml")
    parser.add_argument("to", metavar="PROGRAM", help=" or ".join(PACKAGES))
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where it writes (default: runs/PROGRAM)")


def run(given: Any) -> int:
    """Copies the records, test scores sealed, and says how to look at them.

    Raises:
        UserError: the study or the program is not known, a package is missing, or nothing is recorded.
    """
    from experiments.records import run_folder
    from experiments.report import mirrors

    if given.to not in PACKAGES:
        raise unknown("program to mirror to", given.to, PACKAGES)
    name = studies.find(given.study).stem
    folder = given.out or run_folder.ROOT / given.to
    if not any(True for _ in _recorded(name)):
        raise UserError(f"No run of the study {name} is recorded in {run_folder.ROOT}: there is nothing to mirror.")
    count = mirrors.mirror(_recorded(name), mirrors.opened(given.to, folder))
    terminal.say(f"{count} runs are mirrored; look at them with: {SHOW[given.to].format(folder=folder)}")
    return 0


def _recorded(name: str) -> Iterator[Any]:
    """Returns the records of a study, evaluation and tuning alike, of every version of it."""
    from experiments.records import run_folder

    for done in sorted(run_folder.ROOT.glob(f"{name}-????????/trials/*/*/DONE")):
        record = run_folder.read(done.parent)
        if record is not None:
            yield record
