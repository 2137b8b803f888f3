"""What a stopping condition is shown, and what a training has cost so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Cost:
    """Cost of a training so far, summed over all parts of a resumed one.

    Attributes:
        steps: updates of the weights; calls that only accumulate gradients and skipped steps do not count.
        examples: gradients of single examples computed by training.
        extra: gradients of single examples computed by conditions.
        seconds: by a monotonic clock. In `fit`, the time of batches, data loading included, without validation,
            callbacks and the first update after each start, which compiles. In other loops, the time from one
            `after_step` to the next.
    """

    steps: int = 0
    examples: int = 0
    extra: int = 0
    seconds: float = 0.0

    @property
    def gradients(self) -> int:
        """Gradients of single examples, by training and by conditions."""
        return self.examples + self.extra

    def __str__(self) -> str:
        gradients = f"{self.gradients:,} gradients of examples, " if self.gradients else ""
        return f"{self.steps:,} steps, {gradients}{self.seconds:.1f} s"


@dataclass(frozen=True)
class Observation:
    """Input of a condition, after a step or at the end of an epoch.

    Attributes:
        cost: of the training so far; a condition adds the gradients that it computes to `extra`.
        epoch_ended: whether this is the end of an epoch.
        logs: losses and metrics by name.
        counted: whether `cost.examples` is known.
        gradients: of the last step, if a loop has passed them.
        weights: tensors or variables, if a loop has passed them.
        model: the model, in `fit`.
    """

    cost: Cost
    epoch_ended: bool = False
    logs: Mapping[str, Any] = field(default_factory=dict)
    counted: bool = False
    gradients: Sequence[Any] | None = None
    weights: Sequence[Any] | None = None
    model: Any = None
