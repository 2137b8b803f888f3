"""Every problem that a study can name: image problems (`images`), test functions and the quadratic (`points`).

`deepobs_...` are problems as DeepOBS ran them, only for comparison with its published results. Keras is imported inside
functions, so that the command line can name a problem and its version without waiting for TensorFlow.
"""

import dataclasses

from experiments.errors import unknown
from experiments.problems.tasks.base import Task
from experiments.problems.tasks.images import IMAGES
from experiments.problems.tasks.points import POINTS

PUBLISHED = ("quadratic_deep", "fmnist_2c2d")  # published by DeepOBS, and available here


def _as_deepobs(task: Task) -> Task:
    """Returns a task as DeepOBS ran it, under a name of its own: see `Task.as_deepobs`."""
    return dataclasses.replace(task, name=f"deepobs_{task.name}", as_deepobs=True)


TASKS: dict[str, Task] = {**IMAGES, **POINTS}
TASKS |= {task.name: task for task in map(_as_deepobs, (TASKS[name] for name in PUBLISHED))}


def names() -> list[str]:
    """Returns the names of all problems, sorted."""
    return sorted(TASKS)


def get(name: str) -> Task:
    """Returns a problem by name."""
    if name not in TASKS:
        raise unknown("task", name, names())
    return TASKS[name]
