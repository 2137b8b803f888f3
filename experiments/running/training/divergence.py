"""When a run is lost: its scores are no numbers, or its training loss stays far above where it began."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

PATIENCE = 3
BLOW_UP = 1e3


def diverged(evaluations: Sequence[Mapping[str, Any]]) -> bool:
    """Returns whether a run has diverged by its last evaluation, from all its evaluations.

    It has when a score is not finite, or the loss was a thousand times the first one, three times in a row.
    """
    limit = BLOW_UP * max(abs(_loss(evaluations[0])), 1e-3)
    high = itertools.takewhile(lambda evaluation: _loss(evaluation) > limit, reversed(evaluations))
    finite = all(math.isfinite(value) for value in evaluations[-1].values() if isinstance(value, float))
    return not finite or len(list(high)) >= PATIENCE


def _loss(evaluation: Mapping[str, Any]) -> float:
    """Returns the loss that tells divergence: on the training set, where that is scored."""
    return float(evaluation["train_loss" if "train_loss" in evaluation else "validation_loss"])
