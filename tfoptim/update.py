"""One variable's part of a step: what every executor is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.ops import Scalar


@dataclass(frozen=True)
class Update:
    """What is known when a variable is to be updated.

    Args:
        optimizer: whose rule runs.
        h: hyperparameters of this step.
        gradient: tensor, or IndexedSlices without repeated rows, in the variable's compute dtype.
        variable: tf.Variable.
        slots: name -> tf.Variable.
        decay: None, or the share of the weights that this step takes off first.
    """

    optimizer: Any
    h: SimpleNamespace
    gradient: Any
    variable: Any
    slots: Mapping[str, Any]
    decay: Scalar | None

    def number(self, scalar: Scalar) -> tf.Tensor:
        """Returns a hyperparameter in the gradient's precision, as the kernels take it."""
        return scalar.cast(self.gradient.dtype)
