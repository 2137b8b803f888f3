"""Runs for MLflow: `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.report.mirrors import finite

EXPERIMENT = "tfoptim"


class Tracker:
    """Writes to a data base in a folder; a run that it has already is made anew."""

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
        self._mlflow.log_metrics(finite(scores), step=step)

    def end(self, status: str) -> None:
        """Ends the run, and says how it ended."""
        self._mlflow.set_tag("status", status)
        self._mlflow.end_run()


def mirror(folder: Path) -> Tracker:
    """Returns the mirror."""
    return Tracker(folder)
