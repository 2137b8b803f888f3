"""The learning rate over the steps of a run (rule B9)."""

from __future__ import annotations

from typing import Any

import keras

import tfoptim
from experiments.studies import COSINE
from experiments.studies.runs import Run


@keras.saving.register_keras_serializable(package="experiments")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from 0 to 1, times a rate that can change between runs without another trace."""

    def __init__(self, rate: Any, shape: Any) -> None:
        """Takes the rate, a float64 variable, and the schedule it is multiplied by."""
        super().__init__()
        self.rate, self.shape = rate, shape

    def __call__(self, step: Any) -> Any:
        """Returns the rate at a step, counted from 0."""
        return self.rate * self.shape(step)

    def get_config(self) -> dict[str, Any]:
        """Returns what a record says of it."""
        return {"rate": float(self.rate), "shape": repr(self.shape)}


def schedule_of(run: Run, rate: Any, steps: int) -> Any:
    """Returns the learning rate over the steps of a run, None where it stays or the optimizer has its own.

    Args:
        run: has the schedule and the epochs.
        rate: float64 variable that the schedule is multiplied by.
        steps: of a pass.
    """
    if run.schedule != COSINE:
        return None
    return Scaled(rate, tfoptim.schedules.WarmupCosine(1.0, run.epochs * steps))
