"""Stopping condition on the norm of the gradient over a whole dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfoptim.declaration.domains import Choice, Integer, Interval
from tfoptim.full_loss import FullLoss
from tfoptim.stopping.condition import Condition
from tfoptim.stopping.observation import Observation
from tfoptim.variables import compute_dtype

_POSITIVE = Interval(0.0, closed_low=False, schedulable=False)


class GradientNormBelow(Condition):
    """Stops when the norm of the gradient is at most `tolerance`: the only test of optimality here.

    The gradient must be that of a fixed set of examples: that of a mini-batch does not vanish at an optimum, and a
    small one only shows that one batch agreed with itself. `fit` does not expose its gradients, so `data` is needed
    there: at the end of each epoch, the gradient of the compiled loss is computed over all of `data` on one device, as
    the mean over examples with regularisation once, at the current weights, with layers as in inference (no Dropout,
    moving statistics in BatchNorm). It costs one gradient per example of `data`, which counts in `cost.extra` and in
    `Budget(gradients=...)`.

    In custom loops, without `data`, it checks the gradients passed to `after_step`: correct where each step uses all
    examples.

    Args:
        tolerance: > 0.
        data: `(x, y)` or `(x, y, sample_weight)` arrays, or a finite `tf.data.Dataset` of batches of them.
        norm: "max", the largest absolute element over all variables, or "euclidean", which grows with their number.
        relative: compare with `tolerance * max(1, first)`, where `first` is the norm at the first check.
        batch_size: examples held at a time, of arrays.

    `last` is the latest norm, None before the first check.
    """

    priority = 2
    state_fields: ClassVar[Mapping[str, Any]] = {"first": None, "last": None}
    first: float | None
    last: float | None

    def __init__(
        self,
        tolerance: float,
        data: Any = None,
        *,
        norm: str = "max",
        relative: bool = False,
        batch_size: int = 256,
    ) -> None:
        super().__init__()
        self.tolerance = _POSITIVE.parse("GradientNormBelow: tolerance", tolerance)
        self.norm = Choice(("max", "euclidean")).parse("GradientNormBelow: norm", norm)
        self.relative = bool(relative)
        size = Integer(1, required=True).parse("GradientNormBelow: batch_size", batch_size)
        if isinstance(data, tuple):
            data = tf.data.Dataset.from_tensor_slices(data).batch(size)
        if data is not None and not isinstance(data, tf.data.Dataset):
            raise TypeError(f"GradientNormBelow: data must be (x, y) or a tf.data.Dataset, got {type(data).__name__}.")
        self.data = data
        self._full: FullLoss | None = None

    def begin_fit(self) -> None:
        """Raises without data, and drops the trace of an earlier `fit`, whose loss may differ."""
        self._full = None
        if self.data is None:
            raise ValueError("GradientNormBelow: fit does not show its gradients: pass data=(x, y) to compute it on.")

    def is_due(self, observation: Observation) -> bool:
        """At the end of each epoch with data, else whenever there are gradients."""
        return observation.epoch_ended if self.data is not None else observation.gradients is not None

    def check(self, observation: Observation) -> str | None:
        """Computes the norm and compares it with the tolerance."""
        gradients = observation.gradients
        if self.data is not None:
            if observation.model is None:
                raise ValueError("GradientNormBelow: data needs a model: call set_model(model) before the loop.")
            if self._full is None or self._full.model is not observation.model:
                self._full = FullLoss(observation.model, self.data)
            _, gradients = self._full.value_and_gradient(observation.model.trainable_variables)
            observation.cost.extra += self._full.examples
        norm = self.last = _norm(gradients or (), self.norm)
        self.first = norm if self.first is None else self.first
        limit = self.tolerance * (max(1.0, self.first) if self.relative else 1.0)
        words = {"max": "the largest element", "euclidean": "the 2-norm"}[self.norm]
        return f"gradient: {words} of the gradient is {norm:.3g}, at most {limit:g}" if norm <= limit else None


def _norm(gradients: Sequence[Any], norm: str) -> float:
    """Returns the norm over all gradients together; infinity if any element is not finite."""
    dense = [tf.convert_to_tensor(g) for g in gradients if g is not None]
    if not dense:
        raise ValueError("GradientNormBelow: there is no gradient to measure.")
    flat = [tf.reshape(tf.cast(g, compute_dtype(g.dtype)), [-1]).numpy() for g in dense]
    values = np.concatenate(flat).astype(np.float64)
    if not np.all(np.isfinite(values)):
        return math.inf
    return float(np.max(np.abs(values)) if norm == "max" else np.linalg.norm(values))
