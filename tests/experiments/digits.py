"""Made-up digits and short runs on them, for the tests of training."""

import dataclasses

import numpy as np

from experiments.problems.datasets.load import Examples
from experiments.records import attempts
from experiments.running.training import train
from tests.experiments.small import run


def examples(count, seed=0):
    """Made-up digits whose class can be learned: one bright row each."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    images = generator.integers(0, 60, (count, 28, 28, 1), dtype=np.uint8)
    images[np.arange(count), labels * 2] = 250
    return Examples(images, labels.astype(np.int32))


def splits():
    """Small splits; the sizes divide by no batch size."""
    return train.tensors({"train": examples(301), "validation": examples(50, 1), "test": examples(50, 2)})


def small(label="Adam", **changes):
    """A run of two passes with batches that do not divide the examples."""
    made = run(label, epochs=2, batch_size=64, micro_batch=90, **{k: changes.pop(k) for k in ("seed",) if k in changes})
    return dataclasses.replace(made, **changes)


def scores(evaluations):
    """Evaluations without their times."""
    return [{k: v for k, v in evaluation.items() if k != "seconds"} for evaluation in evaluations]


def kept(program, evaluations):
    """A checkpoint of the present state, as it comes back from the disk."""
    state = tuple(np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for array in program.state())
    return attempts.Checkpoint(1, tuple(evaluations), state)
