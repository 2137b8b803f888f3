"""The Dice coefficient while a model trains or is evaluated by Keras."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from experiments.problems.losses import class_numbers

Tensor = Any


@keras.saving.register_keras_serializable("experiments")
class MeanDice(keras.metrics.Metric):
    """Dice per class over all pixels seen since the last reset, and the mean over classes, from logits.

    This is the Dice of the pooled pixels, not the mean of the cases' Dice that `measure` and `summarise` give: a large
    structure outvotes a small one. It serves to watch a training; report the other.

    Counts are whole numbers of 64 bits, so that nothing is lost however many batches come. The result is 0 before
    anything was seen; a class that neither truth nor predictions have had so far counts as 1, as in `measure`. NaN as
    a result means that a label was no class or a logit was NaN: no error can be raised inside a compiled step.

    Args:
        classes: number of classes, the background among them, at least 2. Logits are [batch, *image, classes], or for
            two classes [batch, *image, 1] too, above 0 for class 1; labels are class numbers, [batch, *image] or with
            a last axis of size 1.
        label: the one class to watch; None takes the mean over all but the background.
        name: the metric's name.
        dtype: of the result; the counts are int64 whatever it is.

    Raises:
        ValueError: `classes` or `label` is out of range; in use, shapes do not belong together or a sample weight
            is given, which a count cannot honour.
    """

    def __init__(self, classes: int, label: int | None = None, name: str = "mean_dice", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if not _is_whole(classes) or classes < 2:
            raise ValueError(f"MeanDice: classes must be a whole number, at least 2, got {classes!r}.")
        if label is not None and not (_is_whole(label) and 0 <= label < classes):
            raise ValueError(f"MeanDice: label must be None or a class from 0 to {classes - 1}, got {label!r}.")
        self.classes, self.label = classes, label
        self.both, self.truth, self.prediction = (self._counter(classes, what) for what in ("both", "truth", "found"))
        self.faults = self._counter(1, "faults")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Counts the pixels of a batch.

        Args:
            y_true: class numbers.
            y_pred: logits.
            sample_weight: must be None; in `compile` put this metric under `metrics`, not `weighted_metrics`.
        """
        if sample_weight is not None:
            raise ValueError("MeanDice: counts pixels and takes no sample_weight; put it under metrics in compile.")
        logits = tf.convert_to_tensor(y_pred)
        if logits.shape[-1] != self.classes and (self.classes, logits.shape[-1]) != (2, 1):
            raise ValueError(
                f"MeanDice: {self.classes} classes need {self.classes} logits a pixel, got the shape {logits.shape}."
            )
        labels, known = class_numbers(y_true, logits)
        truth, found = self._masks(labels), self._masks(_decided(logits))
        fault = ~known | tf.reduce_any(tf.math.is_nan(logits), axis=-1)
        self.both.assign_add(exact_sums(truth * found))
        self.truth.assign_add(exact_sums(truth))
        self.prediction.assign_add(exact_sums(found))
        self.faults.assign_add(exact_sums(tf.cast(fault, tf.float32)[..., tf.newaxis]))

    def result(self) -> Tensor:
        """Returns the mean over classes, or the one class's Dice, as a scalar."""
        both, truth, prediction = (tf.cast(v, self.dtype) for v in (self.both, self.truth, self.prediction))
        sizes = truth + prediction
        dice = tf.where(sizes > 0, tf.math.divide_no_nan(2 * both, sizes), tf.ones_like(sizes))
        value = tf.reduce_mean(dice[1:]) if self.label is None else dice[self.label]
        value = tf.where(tf.reduce_sum(sizes) > 0, value, tf.zeros_like(value))
        return tf.where(self.faults[0] > 0, tf.constant(float("nan"), value.dtype), value)

    def get_config(self) -> dict[str, Any]:
        """Returns what the constructor takes."""
        return {**super().get_config(), "classes": self.classes, "label": self.label}

    def _counter(self, size: int, what: str) -> Any:
        return self.add_weight(shape=(size,), initializer="zeros", dtype="int64", name=what)

    def _masks(self, labels: Tensor) -> Tensor:
        return tf.one_hot(labels, self.classes, dtype=tf.float32)


def _decided(logits: Tensor) -> Tensor:
    if logits.shape[-1] == 1:
        return tf.cast(logits[..., 0] > 0, tf.int32)
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def exact_sums(masks: Tensor) -> Tensor:
    """Returns sums of 0 and 1 over all axes but the last, exactly.

    float32 is exact up to 2**24 and what every GPU adds fastest, so rows or planes are summed in it, and those sums,
    few of them, in int64.
    """
    rows = tf.reduce_sum(masks, axis=list(range(2, masks.shape.rank - 1)))
    return tf.reduce_sum(tf.cast(tf.reshape(rows, (-1, masks.shape[-1])), tf.int64), axis=0)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
