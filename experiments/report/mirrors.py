"""Copies of records in other programs: what they show is for looking, and the run directory stays the truth.

A mirror is made from records that are there, at any time and again, so that training knows nothing of it. Test scores
stay sealed: only the report opens them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments import machine
from experiments.errors import UserError
from experiments.records.run_folder import Record

SKIPPED = ("step", "epoch", "diverged")
PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow-skinny"}  # name of a mirror -> what pip installs for it
MODULES = {"tensorboard": "tensorboard.plugins.hparams", "mlflow": "mlflow"}


def opened(kind: str, folder: Path) -> Board | Tracker:
    """Returns a mirror that writes into a folder.

    Raises:
        UserError: its package is not installed.
    """
    try:
        importlib.import_module(MODULES[kind])
    except ImportError as error:
        raise UserError(
            f"The mirror {kind} needs a package that is not installed ({error}): pip install {PACKAGES[kind]}"
        ) from error
    return Board(folder) if kind == "tensorboard" else Tracker(folder)


def mirror(found: Iterable[Record], to: Board | Tracker) -> int:
    """Copies records, their test scores sealed, and returns how many."""
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
    return {
        "optimizer": run.label,
        "learning_rate": run.learning_rate,
        "seed": run.seed,
        "kind": run.kind,
        "task": run.task,
        "data": run.data,
        "batch_size": run.batch_size,
        "study": run.study[:8],
        **run.hyperparameters,
    }


def scores_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers of an evaluation, also scores that are not finite."""
    return {
        key: float(value)
        for key, value in evaluation.items()
        if key not in SKIPPED and isinstance(value, int | float) and not key.startswith("test_")
    }


class Board:
    """Runs for TensorBoard, one folder of events a run: `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder that TensorBoard is pointed at."""
        self._folder = folder
        machine.start_tensorflow()
        self._api: Any = importlib.import_module("tensorboard.plugins.hparams.api")
        self._writer: Any = None

    def begin(self, name: str, settings: Mapping[str, Any]) -> None:
        """Starts a run, and replaces what an earlier mirror wrote of it."""
        import tensorflow as tf

        folder = self._folder / name
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._writer = tf.summary.create_file_writer(str(folder))
        with self._writer.as_default():
            self._api.hparams(dict(settings), trial_id=name)

    def tell(self, step: int, scores: Mapping[str, float]) -> None:
        """Adds the scores of an evaluation, after so many steps."""
        import tensorflow as tf

        with self._writer.as_default(step=step):
            for key, value in scores.items():
                tf.summary.scalar(key, value)

    def end(self, status: str) -> None:
        """Ends the run, and says how it ended."""
        import tensorflow as tf

        with self._writer.as_default(step=0):
            tf.summary.text("status", status)
        self._writer.close()


EXPERIMENT = "tfoptim"


class Tracker:
    """Runs for MLflow: `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows them."""

    def __init__(self, folder: Path) -> None:
        """Opens the data base, and makes it where there is none."""
        self._mlflow: Any = importlib.import_module("mlflow")
        folder.mkdir(parents=True, exist_ok=True)
        self._mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').resolve()}")
        self._mlflow.set_experiment(EXPERIMENT)

    def begin(self, name: str, settings: Mapping[str, Any]) -> None:
        """Begins a run; one of the same name, from an earlier mirror, is deleted."""
        quoted = name.replace("'", "")
        for old in self._mlflow.search_runs(filter_string=f"tags.mlflow.runName = '{quoted}'", output_format="list"):
            self._mlflow.delete_run(old.info.run_id)
        self._mlflow.start_run(run_name=name)
        self._mlflow.log_params(dict(settings))

    def tell(self, step: int, scores: Mapping[str, float]) -> None:
        """Adds the finite scores of an evaluation: its data base refuses others."""
        self._mlflow.log_metrics({k: value for k, value in scores.items() if math.isfinite(value)}, step=step)

    def end(self, status: str) -> None:
        """Ends the run, and says how it ended."""
        self._mlflow.set_tag("status", status)
        self._mlflow.end_run()
