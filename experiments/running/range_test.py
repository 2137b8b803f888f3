"""Trains once while the learning rate grows: the losses of `experiments.tuning.range_test`."""

from collections.abc import Iterator
from typing import Any

from experiments.errors import UserError
from experiments.problems import seeds, tasks
from experiments.problems.own import outside
from experiments.tuning.range_test import MOST_STEPS, Plan, until_divergence


def measure(plan: Plan) -> list[tuple[float, float]]:
    """Trains, and returns loss and average of each step until the last rate or divergence."""
    from experiments.problems.datasets.load import load
    from experiments.running.training import train

    split = train.tensors(load(plan.data, ("train",)))["train"]
    return until_divergence(_losses(plan, *split))


def _losses(plan: Plan, images: Any, labels: Any) -> Iterator[float]:
    """Yields the loss of each mini-batch before the step of its rate."""
    import tensorflow as tf

    from experiments.running.training.step import update

    task, examples = tasks.get(plan.task), int(labels.shape[0])
    model = task.model(*(seeds.derive(task.name, plan.seed, purpose) for purpose in ("init", "dropout")))
    optimizer = outside.optimizer(plan.optimizer, plan.folder, learning_rate=plan.low, **plan.hyperparameters)
    if "peak_factor" in getattr(optimizer, "fields", ()):
        raise UserError(f"{type(optimizer).__name__} changes its rate by itself; test momentum in its place.")
    optimizer.build(model.trainable_variables)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)], autograph=False)  # type: ignore[untyped-decorator]
    def step(rows: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(task.inputs(tf.gather(images, rows)), training=True)
            loss = tf.reduce_mean(task.loss(tf.gather(labels, rows), logits))
        update(optimizer, tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    for rate, rows in zip(plan.rates, _batches(plan, examples), strict=False):
        optimizer.learning_rate = rate
        yield float(step(tf.constant(rows)))


def _batches(plan: Plan, examples: int) -> Iterator[Any]:
    """Yields the rows of whole mini-batches, pass after pass, in the order of a training run of that seed."""
    size = min(plan.batch_size, examples)
    for epoch in range(1, MOST_STEPS + 1):
        order = seeds.order(plan.task, plan.seed, epoch, examples)
        for start in range(0, examples - size + 1, size):
            yield order[start : start + size]
