"""The prediction of a trained model for the cases of a split, and every metric of each."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.problems.datasets.examples import Slices, cases
from experiments.problems.metrics import Score, measure
from experiments.problems.tasks.base import Task
from experiments.text import to_csv

Outputs = tuple[np.ndarray, np.ndarray]
Predict = Callable[[np.ndarray], Outputs]


def predictor(model: Any, task: Task) -> Predict | None:
    """Returns what predicts stored images, uint8 [n, height, width, 1]; None for a problem without cases.

    It is compiled at its first use and gives what `task.outputs` does, as arrays.
    """
    outputs = task.outputs
    if outputs is None:
        return None
    import tensorflow as tf

    shape = tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8)
    compiled: Any = tf.function(lambda images: outputs(model(task.inputs(images), training=False)), [shape])

    def predict(images: np.ndarray) -> Outputs:
        starts = range(0, len(images), task.evaluation_batch)
        found = [compiled(images[start : start + task.evaluation_batch]) for start in starts]
        classes, probabilities = (
            np.concatenate([part.numpy() for part in parts]) for parts in zip(*found, strict=True)
        )
        return classes, probabilities

    return predict


def measured(predict: Predict, task: Task, slices: Slices) -> tuple[list[Score], np.ndarray]:
    """Returns every metric of each case and class, and the predicted class of each pixel.

    Args:
        predict: of the trained model.
        task: has the names of the classes and the tolerance.
        slices: the split.

    Returns:
        Scores in the order of the cases, and predictions, uint8 [n, height, width], in that of the slices.
    """
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
