"""What a study can name: model, loss and metrics over a data set, one file each, and all test functions.

`deepobs_...` are problems as DeepOBS ran them, to be set beside its published results and for nothing else.
Task files import Keras inside their functions, so that the command line can name a problem and
its version without waiting for TensorFlow.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from experiments.errors import unknown
from experiments.problems import functions
from experiments.problems.tasks import networks, points
from experiments.problems.tasks.base import Task

SHARED = ("__init__", "base", "networks", "points", "segmentation")  # files that are no problem of their own
PUBLISHED = ("quadratic_deep", "fmnist_2c2d")  # whose results DeepOBS has published, and that are here


def names() -> list[str]:
    """Returns the problems there are, sorted."""
    return sorted([*_files(), *functions.names(), *(f"deepobs_{name}" for name in PUBLISHED)])


def get(name: str) -> Task:
    """Returns a problem by name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in names():
        raise unknown("task", name, names())
    if name in _files():
        task: Task = importlib.import_module(f"experiments.problems.tasks.{name}").TASK
        return task
    plain = name.removeprefix("deepobs_")
    problem, published = functions.get(plain), plain != name
    if isinstance(problem, functions.Network):
        return networks.published(problem) if published else networks.classifier(problem)
    if isinstance(problem, functions.Quadratic):
        return points.published(problem) if published else points.quadratic(problem)
    return points.function(problem)


def _files() -> list[str]:
    return [path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED]
