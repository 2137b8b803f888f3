"""What the problems share: how long a run is, which arithmetic a point asks for, and the refusal of other shapes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

WEIGHTS = ("tiny", "small", "large")  # how many runs a worker makes before it is replaced: many, some, one


@dataclasses.dataclass(frozen=True)
class Budget:
    """How long a run is.

    Attributes:
        batch_size: examples in a step.
        epochs: passes over the training examples.
    """

    batch_size: int
    epochs: int

    def steps(self, examples: int, *, whole_batches: bool = False) -> int:
        """Returns the steps of a run.

        Args:
            examples: size of the training set.
            whole_batches: whether the remainder of a pass is dropped, as the published runs of DeepOBS do.

        Raises:
            ValueError: there are fewer examples than a step takes.
        """
        if examples < self.batch_size:
            raise ValueError(f"examples must be at least {self.batch_size}, a whole batch, got {examples}.")
        each = examples // self.batch_size if whole_batches else -(-examples // self.batch_size)
        return self.epochs * each


def is_tensor(x: Any) -> bool:
    """Returns whether a value is TensorFlow's or Keras's, without importing them for one that is not."""
    return type(x).__module__.startswith(("tensorflow", "keras"))


def point(name: str, what: str, x: Any, size: int, like: Any = None) -> Any:
    """Returns coordinates in the arithmetic that they, or others beside them, ask for.

    Args:
        name: the problem's name, for the sentence.
        what: what the coordinates are called.
        x: [..., size]; tensors and variables stay what they are, all else becomes a NumPy array of floats.
        size: coordinates of a point.
        like: point whose kind and precision the result has; None leaves that to x.

    Raises:
        ValueError: the last axis has another size, or there is none.
    """
    if is_tensor(like):
        import tensorflow as tf

        x = tf.cast(x, like.dtype)
    elif like is not None or not is_tensor(x):
        x = np.asarray(x, getattr(like, "dtype", None))
        x = x if x.dtype.kind == "f" else x.astype(np.float64)
    shape = tuple(x.shape)
    if not shape or shape[-1] != size:
        raise ValueError(f"{name}: {what} must have {size} coordinates on the last axis, got the shape {shape}.")
    return x
