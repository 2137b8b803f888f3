"""The problems, one file each: model, loss and metrics over a data set.

Task files import Keras inside their functions, so that the command line can name a problem and
its version without waiting for TensorFlow.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from experiments.errors import unknown
from experiments.tasks.base import Task

SHARED = ("__init__", "base", "segmentation")  # files that are no problem of their own


def names() -> list[str]:
    """Returns the problems there are, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED)


def get(name: str) -> Task:
    """Returns a problem by name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in names():
        raise unknown("task", name, names())
    task: Task = importlib.import_module(f"experiments.tasks.{name}").TASK
    return task
