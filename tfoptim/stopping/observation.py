"""What a stopping condition is shown, and what a training has cost so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Spent:
    """What a training has cost so far, all parts of a resumed one together.

    Attributes:
        steps: updates of the weights; calls that only accumulate gradients, and steps that were skipped, are none.
        examples: gradients of single examples that training has computed.
        extra: those that conditions have computed to judge.
        seconds: by a monotonic clock. In `fit`, inside batches, their data included; neither validation and callbacks
            nor all that comes before the end of the first update after each start, which compiles. In other loops,
            from one `after_step` to the next.
    """

    steps: int = 0
    examples: int = 0
    extra: int = 0
    seconds: float = 0.0

    @property
    def gradients(self) -> int:
        """Gradients of single examples, for whatever purpose."""
        return self.examples + self.extra

    def __str__(self) -> str:
        gradients = f"{self.gradients:,} gradients of examples, " if self.gradients else ""
        return f"{self.steps:,} steps, {gradients}{self.seconds:.1f} s"


@dataclass(frozen=True)
class Seen:
    """What a condition is shown: after a step, or at the end of an epoch.

    Attributes:
        spent: the cost so far; what a condition computes is added to its `extra`.
        epoch_ended: whether this is the end of an epoch.
        logs: losses and metrics by name.
        counted: whether `spent.examples` is known.
        gradients: those of the last step, where a loop has handed them over.
        weights: tensors or variables, where a loop has handed them over.
        model: the model, in `fit`.
    """

    spent: Spent
    epoch_ended: bool = False
    logs: Mapping[str, Any] = field(default_factory=dict)
    counted: bool = False
    gradients: Sequence[Any] | None = None
    weights: Sequence[Any] | None = None
    model: Any = None
