"""Copies of records in other programs: what they show is for looking, and the run directory stays the truth.

A mirror is made from records that are there, at any time and again, so that training knows nothing of it. Test scores
stay sealed: only the report opens them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from experiments.errors import UserError
from experiments.records.run_folder import Record

SKIPPED = ("step", "epoch", "diverged")
PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow-skinny"}  # name of a mirror -> what pip installs for it
MODULES = {"tensorboard": "tensorboard.plugins.hparams", "mlflow": "mlflow"}


class Mirror(Protocol):
    """A program that shows runs."""

    def begin(self, name: str, settings: Mapping[str, Any]) -> None:
        """Begins a run with its name and what it was made with."""

    def tell(self, step: int, scores: Mapping[str, float]) -> None:
        """Adds the scores of an evaluation, after so many steps."""

    def end(self, status: str) -> None:
        """Ends the run."""


def opened(kind: str, folder: Path) -> Mirror:
    """Returns a mirror that writes into a folder.

    Args:
        kind: `tensorboard` or `mlflow`.
        folder: where it writes.

    Raises:
        UserError: its package is not installed.
    """
    try:
        importlib.import_module(MODULES[kind])
    except ImportError as error:
        raise UserError(
            f"The mirror {kind} needs a package that is not installed ({error}): pip install {PACKAGES[kind]}"
        ) from error
    made: Mirror = importlib.import_module(f"experiments.report.mirrors.{kind}").mirror(folder)
    return made


def mirror(found: Iterable[Record], to: Mirror) -> int:
    """Copies records, their test scores sealed, and returns how many.

    Args:
        found: the records.
        to: where they go.
    """
    count = 0
    for record in found:
        to.begin(name_of(record), settings_of(record))
        for evaluation in record.evaluations:
            to.tell(int(evaluation["step"]), scores_of(evaluation))
        to.end(record.status)
        count += 1
    return count


def name_of(record: Record) -> str:
    """Returns a name for a run that is one folder on every system, whatever its label holds."""
    plain = "".join(sign if sign.isalnum() or sign in "-+" else "_" for sign in record.run.label)
    return f"{plain}-{record.run.kind}-{record.run.seed}-{record.run.identity[:12]}"


def settings_of(record: Record) -> dict[str, Any]:
    """Returns what a run was made with: plain numbers, words and booleans."""
    run = record.run
    told = {
        "optimizer": run.label,
        "learning_rate": run.learning_rate,
        "seed": run.seed,
        "kind": run.kind,
        "task": run.task,
        "data": run.data,
        "batch_size": run.batch_size,
        "study": run.study[:8],
    }
    return {**told, **run.hyperparameters}


def scores_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers of an evaluation; a score that is not finite is told as well, since it is what happened."""
    return {
        key: float(value)
        for key, value in evaluation.items()
        if key not in SKIPPED and isinstance(value, int | float) and not key.startswith("test_")
    }


def finite(scores: Mapping[str, float]) -> dict[str, float]:
    """Returns the finite ones among scores."""
    return {key: value for key, value in scores.items() if math.isfinite(value)}
