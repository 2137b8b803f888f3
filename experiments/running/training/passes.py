"""One pass over the training set: compiled, in mini-batches or on the full gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from experiments.problems.tasks.base import Task
from experiments.studies.runs import Run

Split = tuple[Any, Any]
AsSeen = Callable[[Any, Any, Any], Split]


def full_gradient(
    model: Any, task: Task, images: Any, labels: Any, micro: int, as_seen: AsSeen | None = None
) -> tuple[Any, list[Any]]:
    """Returns the mean loss over all examples and its gradient at the present weights.

    The gradient is summed over micro-batches, each weighted by its size, so that memory does not
    grow with the number of examples. A layer with dropout draws a fresh mask for each micro-batch, and
    one with batch normalisation takes each by itself: its result depends on their size.

    Args:
        model: gives logits.
        task: has the loss.
        images: stored images, [n, ...].
        labels: labels, [n].
        micro: examples held at a time; need not divide n.
        as_seen: makes of stored examples and their numbers those that are trained on.

    Returns:
        The loss, a scalar, and one gradient a trainable variable.
    """
    variables = model.trainable_variables
    total = tf.constant(0.0)
    sums = [tf.zeros(v.shape, v.dtype) for v in variables]
    count = tf.shape(labels)[0]
    for start in tf.range(0, count, micro):
        batch = slice(start, start + micro)
        seen, truth = images[batch], labels[batch]
        if as_seen is not None:
            seen, truth = as_seen(seen, truth, tf.range(start, start + tf.shape(truth)[0]))
        with tf.GradientTape() as tape:
            logits = model(task.inputs(seen), training=True)
            loss = tf.reduce_sum(task.loss(truth, logits))
        total += loss
        sums = [s + g for s, g in zip(sums, tape.gradient(loss, variables), strict=True)]
    return total / tf.cast(count, tf.float32), [s / tf.cast(count, s.dtype) for s in sums]


def compiled(model: Any, optimizer: Any, task: Task, train: Split, run: Run, moment: Any) -> Any:
    """Returns the compiled pass over the training set in a given order, int32 [n]; it gives the loss."""
    (images, labels), as_seen = train, _as_seen(task, moment)

    def full(order: Any) -> Any:
        del order  # a sum does not depend on it; the rows as they are stored need no gathering
        loss, gradients = full_gradient(model, task, images, labels, run.micro_batch, as_seen)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    def mini(order: Any) -> Any:
        total = tf.constant(0.0)
        for start in tf.range(0, tf.size(order), run.batch_size):
            rows = order[start : start + run.batch_size]
            seen, truth = as_seen(tf.gather(images, rows), tf.gather(labels, rows), rows)
            with tf.GradientTape() as tape:
                losses = task.loss(truth, model(task.inputs(seen), training=True))
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            total += tf.reduce_sum(losses)
        return total / tf.cast(tf.size(order), tf.float32)

    one = full if run.batch == "full" else mini
    return tf.function(one, input_signature=[tf.TensorSpec([None], tf.int32)])


def _as_seen(task: Task, moment: Any) -> AsSeen:
    """Returns what makes of stored examples and their numbers, [n], those that a pass trains on."""
    augmentation = task.augmentation
    if augmentation is None:
        return lambda images, labels, rows: (images, labels)
    return lambda images, labels, rows: augmentation(images, labels, moment[:2], moment[2], rows)
