"""Test functions and the quadratic as tasks: the weights are a point, and the model's output is the loss itself.

An example is a row of noise, or of zeros where a function has none; see `experiments.problems.datasets.made`. Losses
are computed in the precision of the problem and reported in float32, as every loss is.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.problems import seeds
from experiments.problems.functions import FUNCTIONS, Function
from experiments.problems.quadratic import QUADRATIC_DEEP, Quadratic
from experiments.problems.tasks.base import Task, Tensor

CLASSICAL = 20  # behind the twenty random starts, 0 to 19 (rule B20)


def function(problem: Function) -> Task:
    """Returns the task of a test function: seed 20 starts where the literature does, any other seed at random.

    It computes in float64, since float32 cannot resolve a millionth of the way to a minimum.
    """
    return dataclasses.replace(
        _task(problem, "float64"), start=lambda init: _start(problem, init), optimum=problem.minimum, toy=True
    )


def quadratic(problem: Quadratic) -> Task:
    """Returns the task of the quadratic, which starts at the same point for every seed."""
    return dataclasses.replace(_task(problem, "float32"), start=lambda init: problem.start)


def _task(problem: Function | Quadratic, dtype: str) -> Task:
    return Task(
        name=problem.name,
        version=1,
        title=problem.title,
        parameters=problem.parameters,
        build=lambda dropout: _model(problem.loss, problem.parameters, dtype),
        inputs=lambda rows: rows,
        loss=_output,
        metrics={},
        score="loss",
        score_title="loss",
        loss_title="loss",
        lower_is_better=True,
    )


def _start(problem: Function, init: int) -> npt.NDArray[np.float64]:
    """Returns where the run of an init seed starts."""
    if init == seeds.derive(problem.name, CLASSICAL, "init"):
        return np.array(problem.classical or problem.start)
    return problem.start_from(init)


def _output(labels: Tensor, losses: Tensor) -> Tensor:
    import tensorflow as tf

    return tf.cast(losses, tf.float32)


def _model(loss: Callable[[Any, Any], Any], size: int, dtype: str) -> Any:
    """Returns a model whose one weight is the point, [size], and whose outputs are the losses of rows, [n]."""
    import keras
    import tensorflow as tf

    class Point(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
        """The point, at the origin until a start is given."""

        def build(self, shape: Any) -> None:
            """Makes the weight."""
            self.point = self.add_weight(name="point", shape=(size,), initializer="zeros")

        def call(self, rows: Any) -> Any:
            """Returns the loss of each row."""
            return loss(tf.convert_to_tensor(self.point), rows)

        def compute_output_shape(self, shape: Any) -> tuple[None]:
            """Returns the shape of the losses."""
            return (None,)

    return keras.Sequential([keras.Input((size,), dtype=dtype), Point(dtype=dtype)])


POINTS = {task.name: task for task in (quadratic(QUADRATIC_DEEP), *map(function, FUNCTIONS.values()))}
