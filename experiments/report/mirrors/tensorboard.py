"""Runs for TensorBoard: `tensorboard --logdir FOLDER` shows curves, and the hyperparameters beside final scores."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments import terminal


class Board:
    """Writes one folder of events a run."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder that TensorBoard is pointed at."""
        self._folder = folder
        terminal.start_tensorflow()
        self._api: Any = importlib.import_module("tensorboard.plugins.hparams.api")
        self._writer: Any = None

    def begin(self, name: str, settings: Mapping[str, Any]) -> None:
        """Begins a run anew: what an earlier mirror wrote of it is replaced."""
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


def mirror(folder: Path) -> Board:
    """Returns the mirror."""
    return Board(folder)
