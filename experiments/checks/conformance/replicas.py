"""Training on several replicas: two logical CPUs of one process, or two processes that work together.

A row measured in both places is declared twice, and its function finds out where it is.
"""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, brief, number, refusal, refused, row, weight


@functools.cache
def strategy() -> Any:
    """Returns the strategy of this process; the children of the report make it before anything else."""
    several = "TF_CONFIG" in os.environ
    return tf.distribute.MultiWorkerMirroredStrategy() if several else tf.distribute.MirroredStrategy()


def train(make: Callable[[], Any], gradients: Any, start: Any = 0.0, eager: bool = False) -> tuple[Any, np.ndarray]:
    """Takes a step as `fit` does for each of the gradients [steps, replicas, *shape of the weight], in every replica.

    Returns the optimizer, and the weight of this process's replicas, [replicas, *shape of the weight].
    """
    with strategy().scope():
        variable = weight(start)
        optimizer = make()
        optimizer.build([variable])

    def in_replica(step: Any) -> None:
        me = tf.distribute.get_replica_context().replica_id_in_sync_group
        optimizer.apply([tf.constant(gradients, tf.float32)[step, me]], [variable])

    def run(step: Any) -> None:
        strategy().run(in_replica, args=(step,))

    once = run if eager else tf.function(run)
    for step in range(len(gradients)):
        once(tf.constant(step))
    return optimizer, np.array([copy.numpy() for copy in strategy().experimental_local_results(variable.value)])


def _ends_at(expected: float, make: Callable[[], Any], gradients: Sequence[Sequence[float]]) -> tuple[bool, str]:
    """Compares the weight of every replica with the weight of one device that is fed the sums."""
    try:
        _, ends = train(make, gradients)
    except RuntimeError as error:
        return False, "RuntimeError: merge_call in a conditional" if "merge_call" in str(error) else brief(error)
    return bool(np.all(np.abs(ends - expected) < 1e-6)), f"weight {number(ends[0])}, right is {number(expected)}"


@row("D2a", "clipping under MirroredStrategy", "clips the sum over replicas, once", "mirrored")
@row("D2b", "clipping under MultiWorkerMirroredStrategy", "clips the sum over workers, once", "workers")
def clipped_together(library: Library) -> tuple[bool, str]:
    """Gradients of 0.9 on each of two replicas are 1.8 together, and 1 when clipped."""
    return _ends_at(-1.0, lambda: library.make("SGD", 1.0, global_clipnorm=1.0), [[0.9, 0.9]])


@row("D3a", "gradient accumulation under MirroredStrategy", "works in graph mode, so in `fit`", "mirrored")
@row("D3c", "gradient accumulation under MultiWorkerMirroredStrategy", "works in graph mode, so in `fit`", "workers")
def accumulated_together(library: Library) -> tuple[bool, str]:
    """Four calls make two updates, each with the mean of two sums of 2."""
    return _ends_at(-0.4, lambda: library.make("SGD", 0.1, gradient_accumulation_steps=2), [[0.5, 1.5]] * 4)


@row("D3b", "`ema_overwrite_frequency` under MirroredStrategy", "works in graph mode, so in `fit`", "mirrored")
@row(
    "D3d", "`ema_overwrite_frequency` under MultiWorkerMirroredStrategy", "works in graph mode, so in `fit`", "workers"
)
def averaged_together(library: Library) -> tuple[bool, str]:
    """The average of -1 and -2 is written into the weight at the second step."""
    averaging = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}
    return _ends_at(-1.5, lambda: library.make("SGD", 1.0, **averaging), [[0.25, 0.75]] * 2)


@row(
    "D4", "a NaN on the second replica, with loss scaling", "the step is skipped on both, the scale halved", "mirrored"
)
def skipped_together(library: Library) -> tuple[bool, str]:
    """Keras's LossScaleOptimizer asks the first replica only."""

    def make() -> Any:
        return library.make("LossScaleOptimizer", library.make("SGD", 1.0), initial_scale=4.0)

    optimizer, ends = train(make, [[4.0, np.nan]], start=1.0)
    scale = float(optimizer.dynamic_scale.numpy())
    return bool(
        np.all(ends == 1.0) and scale == 2.0
    ), f"weight 1 becomes {number(ends[0])}, scale 4 becomes {number(scale)}"


@row("D28", "saving in the middle of an accumulation cycle", "the sum over all replicas is saved", "mirrored")
def saved_in_cycle(library: Library) -> tuple[bool, str]:
    """One of two calls is done; the replicas have collected [3, 4] and [0, 1]."""
    make = functools.partial(library.make, "SGD", 1.0, gradient_accumulation_steps=2)
    optimizer, _ = train(make, [[[3.0, 4.0], [0.0, 1.0]]], start=[0.0, 0.0], eager=True)
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    saved = [np.asarray(value).tolist() for value in store.values() if np.shape(value) == (2,)]
    return saved == [[3.0, 5.0]], f"the file has {saved[0]}"


@row(
    "D29", "a gradient made outside of `strategy.run`", "each replica's value counts, wherever it was made", "mirrored"
)
def made_outside(library: Library) -> tuple[bool, str]:
    """Two replicas apply 1 each, at a rate of 0.1."""
    gradient = tf.constant(1.0)
    with strategy().scope():
        variable = weight(1.0)
        optimizer = library.make("SGD", 0.1)
        optimizer.build([variable])
    strategy().run(lambda: optimizer.apply([gradient], [variable]))
    end = variable.numpy()
    return bool(abs(end - 0.8) < 1e-6), f"weight 1 becomes {number(end)}; made inside it becomes 0.8"


@row("D30", "`apply` outside of `strategy.run`", "refused, with the way out", "mirrored")
def outside(library: Library) -> tuple[bool, str]:
    """Under the scope of a strategy alone there is no replica."""
    with strategy().scope():
        variable = weight(1.0)
        optimizer = library.make("SGD", 0.1)
        optimizer.build([variable])
        error = refusal(lambda: optimizer.apply([tf.constant(1.0)], [variable]))
    return refused(error) and "strategy.run" in error, error or "accepted"
