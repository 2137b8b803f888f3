"""Stopping conditions on losses, metrics, weights and cost; their base is in `tfoptim.stopping.condition`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfoptim.declaration.domains import Choice, Interval, Whole
from tfoptim.stopping.condition import Condition
from tfoptim.stopping.observation import Seen

_POSITIVE = Interval(0.0, closed_low=False, fixed=True)
_NON_NEGATIVE = Interval(0.0, fixed=True)
_ANY = Interval(-math.inf, closed_low=False, fixed=True)


class NonFinite(Condition):
    """Stops at the first NaN or infinity in the loss, the gradients or the weights: training has failed.

    Judged are: after each step, the loss (in `fit` Keras's running mean, which one NaN makes NaN) and, in other loops,
    the gradients and weights that are handed over; in `fit` the weights at the end of each epoch, because each look at
    them is a pass over all of them.

    Args:
        every_steps: look at the weights in `fit` also whenever so many steps have been taken since the last look.
    """

    rank = 0
    remembered: ClassVar[Mapping[str, Any]] = {"looked": 0}
    looked: int

    def __init__(self, every_steps: int | None = None) -> None:
        super().__init__()
        self.every_steps = None if every_steps is None else Whole(1).parse("NonFinite: every_steps", every_steps)

    def due(self, seen: Seen) -> bool:
        """Always."""
        return True

    def judge(self, seen: Seen) -> str | None:
        """Looks at all that there is."""
        for name in ("loss", "val_loss"):
            if name in seen.logs and not math.isfinite(seen.logs[name]):
                return f"non_finite: {name} is {float(seen.logs[name])}"
        if seen.gradients is not None and not _finite(seen.gradients):
            return "non_finite: a gradient is not finite"
        return None if _finite(self._weights(seen)) else "non_finite: a weight is not finite"

    def _weights(self, seen: Seen) -> Sequence[Any]:
        """Returns the weights to look at now."""
        waited = seen.spent.steps - self.looked
        if seen.model is not None and (seen.epoch_ended or (self.every_steps and waited >= self.every_steps)):
            self.looked = seen.spent.steps
            return [*seen.model.weights, *(seen.weights or ())]
        return seen.weights or ()


def _finite(tensors: Sequence[Any]) -> bool:
    tensors = [tf.convert_to_tensor(t) for t in tensors]
    verdicts = [tf.reduce_all(tf.math.is_finite(t)) for t in tensors if t.dtype.is_floating]
    return bool(tf.reduce_all(tf.stack(verdicts))) if verdicts else True


class _Monitored(Condition):
    """A condition on a loss or metric at the ends of epochs."""

    remembered: ClassVar[Mapping[str, Any]] = {"found": False}
    found: bool

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor

    def due(self, seen: Seen) -> bool:
        """At the ends of epochs that have the value; the first one must."""
        if not seen.epoch_ended:
            return False
        if self.monitor not in seen.logs and not self.found:
            hint = " Validation must run after the first epoch." if self.monitor.startswith("val_") else ""
            raise ValueError(
                f"{type(self).__name__}: monitor must be one of the values of an epoch, got {self.monitor!r}. There "
                f"are: {', '.join(sorted(seen.logs)) or 'none'}.{hint}"
            )
        self.found = self.monitor in seen.logs or self.found
        return self.monitor in seen.logs


def _direction(owner: str, monitor: str, mode: str | None) -> str:
    """Returns "min" or "max"; of losses and accuracies the name says which."""
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
        ValueError: at construction, the direction is not known; at the end of the first epoch, `monitor` is not.
    """

    rank = 1

    def __init__(self, monitor: str, target: float, mode: str | None = None) -> None:
        super().__init__(monitor)
        self.target = _ANY.parse("TargetReached: target", target)
        self.mode = _direction("TargetReached", monitor, mode)

    def judge(self, seen: Seen) -> str | None:
        """Compares."""
        value = float(seen.logs[self.monitor])
        reached = value <= self.target if self.mode == "min" else value >= self.target
        side = "at most" if self.mode == "min" else "at least"
        return f"target: {self.monitor} is {value:.6g}, {side} {self.target:g}" if reached else None


class RelativeDecreaseBelow(_Monitored):
    """Stops when `checks` times in a row the value has changed by at most a share of itself.

    ```
    |f_(k-1) - f_k| <= tolerance * max(|f_(k-1)|, |f_k|, 1)
    ```

    with f_k the value at the end of epoch k, as in L-BFGS-B (Zhu et al., 1997), whose 1 makes the test absolute for
    small values. Stagnation, not optimality: too small a learning rate fulfils it too. The training loss of an epoch is
    a mean over changing weights and noisy batches, which is why one check is not enough.

    Args:
        tolerance: >= 0.
        monitor: a loss or metric.
        checks: how many in a row.
    """

    rank = 3
    remembered: ClassVar[Mapping[str, Any]] = {**_Monitored.remembered, "last": None, "row": 0}
    last: float | None
    row: int

    def __init__(self, tolerance: float, monitor: str = "loss", checks: int = 3) -> None:
        super().__init__(monitor)
        self.tolerance = _NON_NEGATIVE.parse("RelativeDecreaseBelow: tolerance", tolerance)
        self.checks = Whole(1, needed=True).parse("RelativeDecreaseBelow: checks", checks)

    def judge(self, seen: Seen) -> str | None:
        """Compares with the value before."""
        value = float(seen.logs[self.monitor])
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
    first always does; NaN never. Weights are left as they are: `keras.callbacks.EarlyStopping` can restore the best.

    Args:
        patience: checks without improvement, >= 1.
        monitor: a loss or metric.
        min_delta: what counts as improvement, >= 0.
        mode: "min" or "max"; None: "min" for names with `loss`, "max" for those with `acc`.
    """

    rank = 4
    remembered: ClassVar[Mapping[str, Any]] = {**_Monitored.remembered, "best": None, "wait": 0}
    best: float | None
    wait: int

    def __init__(
        self, patience: int, monitor: str = "val_loss", min_delta: float = 0.0, mode: str | None = None
    ) -> None:
        super().__init__(monitor)
        self.patience = Whole(1, needed=True).parse("NoImprovement: patience", patience)
        self.min_delta = _NON_NEGATIVE.parse("NoImprovement: min_delta", min_delta)
        self.mode = _direction("NoImprovement", monitor, mode)

    def judge(self, seen: Seen) -> str | None:
        """Compares with the best."""
        value = float(seen.logs[self.monitor])
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
    """Stops when one of the budgets is spent: it says nothing about convergence.

    Judged after each step; with `steps_per_execution=k` in `fit`, up to k - 1 steps too late. What counts as a step, a
    gradient and a second, `help(tfoptim.stopping.observation.Spent)` says; those of a resumed training are added up.

    Args:
        steps: updates of the weights, >= 1.
        gradients: of single examples, >= 1, those that other conditions compute among them.
        seconds: of training, > 0.
    """

    rank = 5

    def __init__(self, steps: int | None = None, gradients: int | None = None, seconds: float | None = None) -> None:
        super().__init__()
        self.limits: dict[str, Any] = {
            "steps": None if steps is None else Whole(1).parse("Budget: steps", steps),
            "gradients": None if gradients is None else Whole(1).parse("Budget: gradients", gradients),
            "seconds": None if seconds is None else _POSITIVE.parse("Budget: seconds", seconds),
        }
        self.limits = {name: limit for name, limit in self.limits.items() if limit is not None}
        if not self.limits:
            raise ValueError("Budget: give at least one of steps, gradients and seconds.")

    def due(self, seen: Seen) -> bool:
        """Always."""
        return True

    def judge(self, seen: Seen) -> str | None:
        """Compares."""
        if "gradients" in self.limits and not seen.counted:
            raise ValueError(
                "Budget: gradients cannot be counted: the model has no mean named 'loss' among its metrics, or "
                "after_step was not told `examples`."
            )
        spent = next((name for name, limit in self.limits.items() if getattr(seen.spent, name) >= limit), None)
        return None if spent is None else f"budget: {self.limits[spent]:,} {spent} are spent"
