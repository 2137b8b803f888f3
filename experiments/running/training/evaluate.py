"""The evaluation of a model: scores of a split, predictions of its cases, and every metric of each case."""

import dataclasses
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.problems import grid, seeds
from experiments.problems.datasets.examples import Slices, cases
from experiments.problems.metrics import Score, measure
from experiments.problems.tasks.base import Task
from experiments.running.training.step import Split
from experiments.text import to_csv

Outputs = tuple[np.ndarray, np.ndarray]
Predict = Callable[[np.ndarray], Outputs]


def scored(task: Task, data: Mapping[str, Split]) -> dict[str, Split]:
    """Returns the examples of each split that scores are of: all, but of the training set a fixed part (rule B13).

    Where it is a part, the `rest` of the training set is scored after the last step, too. Of a test set whose cases
    are measured as a whole in the end, scores on the way are of a fixed part, too.
    """
    sizes, found = {split: len(labels) for split, (_, labels) in data.items()}, dict(data)
    for split, few in grid.scored(sizes, by_case=task.by_case).items():
        if few < sizes[split]:
            rows = np.split(seeds.order(task.name, 0, 0, sizes[split]), [few])
            parts = zip((split, "rest"), rows if split == "train" else rows[:1], strict=False)
            found |= {name: tuple(tf.gather(values, own) for values in data[split]) for name, own in parts}
    return found


def scores_of(model: Any, task: Task, images: Any, labels: Any) -> Any:
    """Returns the compiled sum of each score over a split; one trace serves like splits of any size."""
    scores = {"loss": task.loss, **task.metrics}

    def evaluate(images: Any, labels: Any) -> Any:
        def add(start: Any, sums: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            batch = slice(start, start + task.evaluation_batch)
            logits = model(task.inputs(images[batch]), training=False)
            found = {n: sums[n] + tf.reduce_sum(score(labels[batch], logits)) for n, score in scores.items()}
            return start + task.evaluation_batch, found

        zeros = (0, dict.fromkeys(scores, 0.0))
        return tf.while_loop(lambda start, sums: start < tf.shape(labels)[0], add, zeros)[1]

    any_number = [tf.TensorSpec([None, *values.shape[1:]], values.dtype) for values in (images, labels)]
    return tf.function(evaluate, input_signature=any_number, autograph=False)


def predictor(model: Any, task: Task) -> Predict | None:
    """Returns what predicts stored images, uint8 [n, height, width, 1], as `task.outputs` does; None without cases."""
    outputs = task.outputs
    if outputs is None:
        return None
    shape = tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8)
    compiled: Any = tf.function(
        lambda images: outputs(model(task.inputs(images), training=False)), [shape], autograph=False
    )

    def predict(images: np.ndarray) -> Outputs:
        starts = range(0, len(images), task.evaluation_batch)
        found = [compiled(images[start : start + task.evaluation_batch]) for start in starts]
        classes, probabilities = (
            np.concatenate([part.numpy() for part in parts]) for parts in zip(*found, strict=True)
        )
        return classes, probabilities

    return predict


def measured(predict: Predict, task: Task, slices: Slices) -> tuple[list[Score], np.ndarray]:
    """Returns every metric of each case and class, and the predicted class of each pixel, uint8 [n, height, width]."""
    predictions = np.zeros_like(slices.labels)
    scores: list[Score] = []
    for case, rows in cases(slices):
        predictions[rows], probabilities = predict(slices.images[rows])
        alone = len(rows) == 1
        height, width, thickness = map(float, slices.spacing_mm[rows[0]])
        scores += measure(
            *((part[rows[0]] if alone else part[rows]) for part in (slices.labels, predictions)),
            classes=task.classes,
            spacing_mm=(height, width) if alone else (thickness, height, width),
            tolerance_mm=task.tolerance_mm,
            case=case,
            probabilities=probabilities[0] if alone else probabilities,
        )
    return scores, predictions


def files(scores: Sequence[Score], predictions: np.ndarray) -> dict[str, bytes]:
    """Returns what a record keeps of a prediction, by the name of the file; the same content has the same bytes."""
    packed = io.BytesIO()
    np.savez_compressed(packed, predictions=predictions)
    rows = [dataclasses.asdict(score) for score in scores]
    return {"cases.csv": to_csv(rows).encode(), "predictions.npz": packed.getvalue()}
