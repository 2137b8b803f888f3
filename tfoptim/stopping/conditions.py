"""Stopping conditions on losses, metrics, weights and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfoptim.declaration.domains import Choice, Integer, Interval
from tfoptim.stopping.condition import Condition
from tfoptim.stopping.observation import Observation

_POSITIVE = Interval(0.0, closed_low=False, schedulable=False)
_NON_NEGATIVE = Interval(0.0, schedulable=False)
_ANY = Interval(-math.inf, closed_low=False, schedulable=False)


class NonFinite(Condition):
    """Stops at the first NaN or infinity in the loss, the gradients or the weights: training has failed.

    After each step, it checks the loss (in `fit` Keras's running mean, which one NaN makes NaN) and, in custom loops,
    the gradients and weights passed to it. In `fit`, weights are checked at the end of each epoch, because each check
    reads all of them.

    Args:
        every_steps: check the weights in `fit` also after this many steps since the last check.
    """

    priority = 0
    state_fields: ClassVar[Mapping[str, Any]] = {"checked_at": 0}
    checked_at: int

    def __init__(self, every_steps: int | None = None) -> None:
        super().__init__()
        self.every_steps = None if every_steps is None else Integer(1).parse("NonFinite: every_steps", every_steps)

    def check(self, observation: Observation) -> str | None:
        """Checks loss, gradients and weights."""
        for name in ("loss", "val_loss"):
            if name in observation.logs and not math.isfinite(observation.logs[name]):
                return f"non_finite: {name} is {float(observation.logs[name])}"
        if observation.gradients is not None and not _finite(observation.gradients):
            return "non_finite: a gradient is not finite"
        return None if _finite(self._weights(observation)) else "non_finite: a weight is not finite"

    def _weights(self, observation: Observation) -> Sequence[Any]:
        """Returns the weights to check now."""
        waited = observation.cost.steps - self.checked_at
        if observation.model is not None and (
            observation.epoch_ended or (self.every_steps and waited >= self.every_steps)
        ):
            self.checked_at = observation.cost.steps
            return [*observation.model.weights, *(observation.weights or ())]
        return observation.weights or ()


def _finite(tensors: Sequence[Any]) -> bool:
    tensors = [tf.convert_to_tensor(t) for t in tensors]
    finite = [tf.reduce_all(tf.math.is_finite(t)) for t in tensors if t.dtype.is_floating]
    return bool(tf.reduce_all(tf.stack(finite))) if finite else True


class _Monitored(Condition):
    """A condition on a loss or metric at the ends of epochs."""

    state_fields: ClassVar[Mapping[str, Any]] = {"found": False}
    found: bool

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor

    def is_due(self, observation: Observation) -> bool:
        """At the end of each epoch that has the value; the first epoch must have it."""
        if not observation.epoch_ended:
            return False
        if self.monitor not in observation.logs and not self.found:
            hint = " Validation must run after the first epoch." if self.monitor.startswith("val_") else ""
            raise ValueError(
                f"{type(self).__name__}: monitor must be one of the values of an epoch, got {self.monitor!r}. "
                f"Available: {', '.join(sorted(observation.logs)) or 'none'}.{hint}"
            )
        self.found = self.monitor in observation.logs or self.found
        return self.monitor in observation.logs


def _direction(owner: str, monitor: str, mode: str | None) -> str:
    """Returns "min" or "max", derived from the name for losses and accuracies."""
    if mode is None:
        known = {"min": "loss" in monitor, "max": "acc" in monitor}
        mode = next((word for word, fits in known.items() if fits), None)
    if mode is None:
        raise ValueError(f'{owner}: mode must say whether less ("min") or more ("max") of {monitor!r} is better.')
    return Choice(("min", "max")).parse(f"{owner}: mode", mode)


class TargetReached(_Monitored):
    """Stops at the first epoch whose value of `monitor` is at most (mode "min") or at least ("max") the target.

    Args:
        monitor: a loss or metric, such as "val_loss".
        target: the value to reach.
        mode: "min" or "max"; None: "min" for names with `loss`, "max" for those with `acc`.

    Raises:
        ValueError: at construction, if the mode cannot be derived; at the end of the first epoch, if `monitor` is
            unknown.
    """

    priority = 1

    def __init__(self, monitor: str, target: float, mode: str | None = None) -> None:
        super().__init__(monitor)
        self.target = _ANY.parse("TargetReached: target", target)
        self.mode = _direction("TargetReached", monitor, mode)

    def check(self, observation: Observation) -> str | None:
        """Compares the value with the target."""
        value = float(observation.logs[self.monitor])
        reached = value <= self.target if self.mode == "min" else value >= self.target
        side = "at most" if self.mode == "min" else "at least"
        return f"target: {self.monitor} is {value:.6g}, {side} {self.target:g}" if reached else None


class RelativeDecreaseBelow(_Monitored):
    """Stops when the relative change of a value is small for `checks` epochs in a row.

    ```
    |f_(k-1) - f_k| <= tolerance * max(|f_(k-1)|, |f_k|, 1)
    ```

    with f_k the value at the end of epoch k, as in L-BFGS-B (Zhu et al., 1997), whose 1 makes the test absolute for
    small values. Stagnation, not optimality: too small a learning rate fulfils it too. The training loss of an epoch is
    a mean over changing weights and noisy batches, which is why one check is not enough.

    Args:
        tolerance: >= 0.
        monitor: a loss or metric.
        checks: number in a row, >= 1.
    """

    priority = 3
    state_fields: ClassVar[Mapping[str, Any]] = {**_Monitored.state_fields, "last": None, "row": 0}
    last: float | None
    row: int

    def __init__(self, tolerance: float, monitor: str = "loss", checks: int = 3) -> None:
        super().__init__(monitor)
        self.tolerance = _NON_NEGATIVE.parse("RelativeDecreaseBelow: tolerance", tolerance)
        self.checks = Integer(1, required=True).parse("RelativeDecreaseBelow: checks", checks)

    def check(self, observation: Observation) -> str | None:
        """Compares with the previous value."""
        value = float(observation.logs[self.monitor])
        last, self.last = self.last, value
        if last is None:
            return None
        small = abs(last - value) <= self.tolerance * max(abs(last), abs(value), 1.0)
        self.row = self.row + 1 if small else 0
        if self.row < self.checks:
            return None
        change = f"{self.monitor} went from {last:.6g} to {value:.6g}"
        return f"decrease: {change}, check {self.row} in a row within {self.tolerance:g}"


class NoImprovement(_Monitored):
    """Stops when `patience` checks in a row have not improved on the best value: Keras's rule, with a reason.

    A value improves if it is less than `best - min_delta` (mode "min"), or more than `best + min_delta` ("max"). The
    first always does; NaN never. Weights are not changed; `keras.callbacks.EarlyStopping` can restore the best ones.

    Args:
        patience: checks without improvement, >= 1.
        monitor: a loss or metric.
        min_delta: smallest improvement that counts, >= 0.
        mode: "min" or "max"; None: "min" for names with `loss`, "max" for those with `acc`.
    """

    priority = 4
    state_fields: ClassVar[Mapping[str, Any]] = {**_Monitored.state_fields, "best": None, "wait": 0}
    best: float | None
    wait: int

    def __init__(
        self, patience: int, monitor: str = "val_loss", min_delta: float = 0.0, mode: str | None = None
    ) -> None:
        super().__init__(monitor)
        self.patience = Integer(1, required=True).parse("NoImprovement: patience", patience)
        self.min_delta = _NON_NEGATIVE.parse("NoImprovement: min_delta", min_delta)
        self.mode = _direction("NoImprovement", monitor, mode)

    def check(self, observation: Observation) -> str | None:
        """Compares with the best value."""
        value = float(observation.logs[self.monitor])
        if self._improves(value):
            self.best, self.wait = value, 0
            return None
        self.wait += 1
        if self.wait < self.patience:
            return None
        return f"no_improvement: {self.monitor} has not been better than {self.best} for {self.wait} checks"

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return not math.isnan(value)
        less, more = value < self.best - self.min_delta, value > self.best + self.min_delta
        return bool(less if self.mode == "min" else more)


class Budget(Condition):
    """Stops when one of the budgets is spent; says nothing about convergence.

    Checked after each step; with `steps_per_execution=k` in `fit`, up to k - 1 steps late. Steps, gradients and seconds
    are defined in `help(tfoptim.stopping.observation.Cost)`, and summed over the parts of a resumed training.

    Args:
        steps: updates of the weights, >= 1.
        gradients: of single examples, >= 1, including those computed by other conditions.
        seconds: of training, > 0.
    """

    priority = 5

    def __init__(self, steps: int | None = None, gradients: int | None = None, seconds: float | None = None) -> None:
        super().__init__()
        self.limits: dict[str, Any] = {
            "steps": None if steps is None else Integer(1).parse("Budget: steps", steps),
            "gradients": None if gradients is None else Integer(1).parse("Budget: gradients", gradients),
            "seconds": None if seconds is None else _POSITIVE.parse("Budget: seconds", seconds),
        }
        self.limits = {name: limit for name, limit in self.limits.items() if limit is not None}
        if not self.limits:
            raise ValueError("Budget: give at least one of steps, gradients and seconds.")

    def check(self, observation: Observation) -> str | None:
        """Compares the cost with the limits."""
        if "gradients" in self.limits and not observation.counted:
            raise ValueError(
                "Budget: gradients cannot be counted: the model has no mean named 'loss' among its metrics, or "
                "after_step was called without `examples`."
            )
        spent = next((name for name, limit in self.limits.items() if getattr(observation.cost, name) >= limit), None)
        return None if spent is None else f"budget: {self.limits[spent]:,} {spent} are spent"
