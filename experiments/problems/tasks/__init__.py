"""Every problem that a study can name: image problems (`images`), test functions and the quadratic (`points`).

`deepobs_...` are problems as DeepOBS ran them, only for comparison with its published results. Keras is imported inside
functions, so that the command line can name a problem and its version without waiting for TensorFlow.
"""

import dataclasses

from experiments.errors import unknown
from experiments.problems.tasks.base import Task
from experiments.problems.tasks.images import IMAGES
from experiments.problems.tasks.points import POINTS
from experiments.problems.tasks.words import WORDS

# published by DeepOBS, and available here, with the data set that it used
PUBLISHED = {"quadratic_deep": "deepobs_quadratic_deep", "fmnist_2c2d": "deepobs_fashion_mnist"}


TASKS: dict[str, Task] = {**IMAGES, **WORDS, **POINTS}
_AS_DEEPOBS = (
    dataclasses.replace(TASKS[name], name=f"deepobs_{name}", data=data, as_deepobs=True)
    for name, data in PUBLISHED.items()
)
TASKS |= {task.name: task for task in _AS_DEEPOBS}


def names() -> list[str]:
    """Returns the names of all problems, sorted."""
    return sorted(TASKS)


def get(name: str) -> Task:
    """Returns a problem by name."""
    if name not in TASKS:
        raise unknown("task", name, names())
    return TASKS[name]
