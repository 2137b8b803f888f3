"""One epoch of training, compiled: its steps, the learning rate over them (rule B9), and when a run has diverged."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import tfoptim
from experiments.problems.tasks.base import Task
from experiments.studies import COSINE
from experiments.studies.runs import Run

Split = tuple[Any, Any]
AsSeen = Callable[[Any, Any, Any], Split]
PATIENCE = 3
BLOW_UP = 1e3


def full_gradient(
    model: Any, task: Task, images: Any, labels: Any, micro: int, as_seen: AsSeen | None = None
) -> tuple[Any, list[Any]]:
    """Returns the mean loss over all stored examples [n, ...] and its gradient at the present weights.

    The gradient is summed over micro-batches, each weighted by its size, so that memory does not
    grow with the number of examples. A layer with dropout draws a fresh mask for each micro-batch, and
    one with batch normalisation takes each by itself: its result depends on their size.
    """
    variables = model.trainable_variables
    count = tf.shape(labels)[0]

    def add(start: Any, total: Any, sums: list[Any]) -> tuple[Any, Any, list[Any]]:
        batch = slice(start, start + micro)
        seen, truth = images[batch], labels[batch]
        if as_seen is not None:
            seen, truth = as_seen(seen, truth, tf.range(start, start + tf.shape(truth)[0]))
        with tf.GradientTape() as tape:
            logits = model(task.inputs(seen), training=True)
            loss = tf.reduce_sum(task.loss(truth, logits))
        own = tape.gradient(loss, variables)
        return start + micro, total + loss, [s + g for s, g in zip(sums, own, strict=True)]

    zeros = [tf.zeros(v.shape, v.dtype) for v in variables]
    _, total, sums = tf.while_loop(lambda start, total, sums: start < count, add, (0, 0.0, zeros))
    return total / tf.cast(count, tf.float32), [s / tf.cast(count, s.dtype) for s in sums]


def compiled(model: Any, optimizer: Any, task: Task, train: Split, run: Run, moment: Any) -> Any:
    """Returns the compiled epoch over examples in a given order, int32 [n]; it gives the loss.

    It is written without AutoGraph, whose work on the code would take longer than all other compiling.
    """
    (images, labels), as_seen = train, _as_seen(task, moment)

    def full(order: Any) -> Any:
        del order  # a sum does not depend on it; the rows as they are stored need no gathering
        loss, gradients = full_gradient(model, task, images, labels, run.micro_batch, as_seen)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    def mini(order: Any) -> Any:
        def one(start: Any, total: Any) -> tuple[Any, Any]:
            rows = order[start : start + run.batch_size]
            seen, truth = as_seen(tf.gather(images, rows), tf.gather(labels, rows), rows)
            with tf.GradientTape() as tape:
                losses = task.loss(truth, model(task.inputs(seen), training=True))
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return start + run.batch_size, total + tf.reduce_sum(losses)

        _, total = tf.while_loop(lambda start, total: start < tf.size(order), one, (0, 0.0))
        return total / tf.cast(tf.size(order), tf.float32)

    epoch = full if run.batch == "full" else mini
    return tf.function(epoch, input_signature=[tf.TensorSpec([None], tf.int32)], autograph=False)


def _as_seen(task: Task, moment: Any) -> AsSeen:
    """Returns what makes of stored examples and their numbers, [n], those that an epoch trains on."""
    augmentation = task.augmentation
    if augmentation is None:
        return lambda images, labels, rows: (images, labels)
    return lambda images, labels, rows: augmentation(images, labels, moment[:2], moment[2], rows)


@keras.saving.register_keras_serializable(package="experiments")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from 0 to 1, times a rate that can change between runs without another trace."""

    def __init__(self, rate: Any, shape: Any) -> None:
        """Takes the rate, a float64 variable, and the schedule it is multiplied by."""
        super().__init__()
        self.rate, self.shape = rate, shape

    def __call__(self, step: Any) -> Any:
        """Returns the rate at a step, counted from 0."""
        return self.rate * self.shape(step)

    def get_config(self) -> dict[str, Any]:
        """Returns the description for a record."""
        return {"rate": float(self.rate), "shape": repr(self.shape)}


def schedule_of(run: Run, rate: Any, steps: int) -> Any:
    """Returns the learning rate over the steps of a run, None where it stays or the optimizer has its own."""
    if run.schedule != COSINE:
        return None
    return Scaled(rate, tfoptim.schedules.WarmupCosine(1.0, run.epochs * steps))


def diverged(evaluations: Sequence[Mapping[str, Any]]) -> bool:
    """Returns whether a run has diverged by its last evaluation, from all its evaluations.

    It has when a score is not finite, or the loss was a thousand times the first one, three times in a row.
    """
    limit = BLOW_UP * max(abs(_loss(evaluations[0])), 1e-3)
    high = itertools.takewhile(lambda evaluation: _loss(evaluation) > limit, reversed(evaluations))
    finite = all(math.isfinite(value) for value in evaluations[-1].values() if isinstance(value, float))
    return not finite or len(list(high)) >= PATIENCE


def _loss(evaluation: Mapping[str, Any]) -> float:
    """Returns the loss that shows divergence: on the training set, where that is scored."""
    return float(evaluation["train_loss" if "train_loss" in evaluation else "validation_loss"])
