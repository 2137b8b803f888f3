"""Base class of stopping conditions, their combination by `|` and `&`, and their use in `fit` and custom loops.

The conditions are in `tfoptim.stopping.conditions` and `tfoptim.stopping.gradient_norm`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import keras

from tfoptim.stopping.observation import Cost, Observation


class Condition(keras.callbacks.Callback):
    """A stopping condition: a callback for `fit`, and two methods for custom loops.

    `a | b` stops as soon as one of them holds, `a & b` as soon as both do; between its checks, a condition keeps its
    last result. When several hold at once, the reason is the first of: not finite, target, gradient, decrease, no
    improvement, budget.

    >>> import tensorflow as tf, tfoptim
    >>> from tfoptim.callbacks import Budget, GradientNormBelow, NonFinite
    >>> weight, optimizer = keras.Variable(1.0), tfoptim.Momentum(0.1, momentum=0.5)
    >>> stop = NonFinite() | GradientNormBelow(1e-4) | Budget(steps=1000)
    >>> running = True
    >>> while running:
    ...     with tf.GradientTape() as tape:
    ...         loss = (weight - 3.0) ** 2
    ...     gradients = tape.gradient(loss, [weight.value])
    ...     optimizer.apply(gradients, [weight])
    ...     running = not stop.after_step(loss=loss, gradients=gradients)
    >>> stop.reason
    'gradient: the largest element of the gradient is 4.43e-05, at most 0.0001; after 29 steps, ... s'

    In `fit`, list it before `Resume`, and pass it to `Resume(callbacks=...)` too: counters, best values and seconds
    then continue after an interruption. Other loops save `stop.state`, which is JSON-safe, and assign it. `fit` prints
    the reason at its end, unless `verbose=0`.

    A subclass defines `check`, may define `is_due`, and declares its state in `state_fields`.
    """

    priority: int = 0
    """Order among conditions that hold at the same time; the lowest gives the reason."""

    state_fields: ClassVar[Mapping[str, Any]] = {}
    """State between checks: attribute -> start value, both JSON-safe."""

    reason: str | None
    """Why training was stopped, `kind: event; after cost`; None while it runs."""

    last_reason: str | None
    """Result of the latest check: why to stop, or None."""

    cost: Cost
    """Cost of the training so far; counted by the condition passed to `fit`, not by its parts."""

    def __init__(self, *parts: Condition) -> None:
        super().__init__()
        self.parts = parts
        self.reset()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other) if isinstance(other, Condition) else NotImplemented

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other) if isinstance(other, Condition) else NotImplemented

    # Methods that a condition defines

    def is_due(self, observation: Observation) -> bool:
        """Returns whether to check now: after each step and at the end of each epoch, unless redefined."""
        return True

    def check(self, observation: Observation) -> str | None:
        """Returns why to stop, `kind: event`, or None."""
        raise NotImplementedError(f"{type(self).__name__} must define check(observation).")

    def begin_fit(self) -> None:
        """Raises if the condition, or one of its parts, cannot be checked in `fit`."""
        for part in self.parts:
            part.begin_fit()

    # State

    def reset(self) -> None:
        """Clears the state for another training; called at the start of `fit`."""
        self.reason, self.last_reason, self.cost = None, None, Cost()
        self._first_step, self._earlier = 0, 0  # steps before this training; examples of its earlier epochs
        self._clock: float | None = None
        self._compiled = False
        self._tracker: Any = None
        self._recall(self.state_fields)
        for part in self.parts:
            part.reset()

    @property
    def state(self) -> dict[str, Any]:
        """State so far, JSON-safe; assign it to the same condition in another process."""
        names = ("reason", "last_reason", "_first_step", "_earlier", *self.state_fields)
        kept = {name: getattr(self, name) for name in names}
        return {**kept, "cost": asdict(self.cost), "parts": [part.state for part in self.parts]}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        for part, kept in zip(self.parts, state["parts"], strict=True):
            part.state = kept
        self._recall({**state, "cost": Cost(**state["cost"]), "parts": self.parts})

    def _recall(self, kept: Mapping[str, Any]) -> None:
        for name, value in kept.items():
            setattr(self, name, value)

    def update(self, observation: Observation) -> str | None:
        """Checks, if a check is due, and returns the latest reason."""
        if self.is_due(observation):
            self.last_reason = self.check(observation)
        return self.last_reason

    # Methods for custom loops

    def after_step(
        self,
        *,
        loss: Any = None,
        gradients: Sequence[Any] | None = None,
        weights: Sequence[Any] | None = None,
        examples: int | None = None,
    ) -> bool:
        """Returns whether to stop; call it after each step.

        Args:
            loss: of this step, a scalar.
            gradients: used by this step, tensors or arrays.
            weights: after this step, tensors or variables.
            examples: number of examples whose gradients this step computed.
        """
        self.cost.steps += 1
        self.cost.examples += examples or 0
        self._tick()
        logs = {} if loss is None else {"loss": loss}
        return self._stops(Observation(self.cost, False, logs, examples is not None, gradients, weights, self._model))

    def after_epoch(self, logs: Mapping[str, Any], weights: Sequence[Any] | None = None) -> bool:
        """Returns whether to stop; call it at the end of each epoch, or whenever there are new values.

        Args:
            logs: losses and metrics by name, such as `{"loss": 0.3, "val_loss": 0.4}`.
            weights: tensors or variables.
        """
        return self._stops(Observation(self.cost, True, logs, self.cost.examples > 0, None, weights, self._model))

    def _stops(self, observation: Observation) -> bool:
        if self.reason is None:
            reason = self.update(observation)
            self.reason = f"{reason}; after {self.cost}" if reason else None
        return self.reason is not None

    def _tick(self) -> None:
        now = time.monotonic()
        if self._clock is not None:
            self.cost.seconds += now - self._clock
        self._clock = now

    # Methods that Keras calls

    def on_train_begin(self, logs: Any = None) -> None:
        """Clears the state; `Resume` restores its own after this."""
        self.reset()
        self.begin_fit()
        self._first_step = self._steps_done()
        # Keras's mean of the loss, weighted by batch size.
        self._tracker = next((m for m in self.model.metrics if m.name == "loss" and hasattr(m, "count")), None)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Starts the clock, except before the first update, which compiles."""
        self._clock = time.monotonic() if self._compiled else None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts and checks. Batches that `Resume` skips come without logs."""
        if not logs:
            return
        self._tick()
        steps = self._steps_done() - self._first_step
        self._compiled, self.cost.steps = self._compiled or steps > self.cost.steps, steps
        if self._tracker is not None:
            self.cost.examples = self._earlier + int(keras.ops.convert_to_numpy(self._tracker.count))
        self._check_in_fit(False, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Checks."""
        self._earlier = self.cost.examples
        self._check_in_fit(True, logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        """Sets the reason, and prints it if `verbose`."""
        stopped = self.model.stop_training
        if self.reason is None:
            why = "other: another callback has stopped training" if stopped else "epochs: all are done"
            self.reason = f"{why}; after {self.cost}"
        if self.params.get("verbose"):
            print(f"Training has ended. {self.reason}.")

    def _check_in_fit(self, epoch_ended: bool, logs: Mapping[str, Any]) -> None:
        observation = Observation(self.cost, epoch_ended, logs, counted=self._tracker is not None, model=self.model)
        if self._stops(observation):
            self.model.stop_training = True

    def _steps_done(self) -> int:
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))


class Either(Condition):
    """Holds as soon as one condition does: `a | b`."""

    def __init__(self, *parts: Condition) -> None:
        super().__init__(*parts)
        self.priority = min(part.priority for part in parts)

    def check(self, observation: Observation) -> str | None:
        """Returns the reason of the part that holds; of several, the one of lowest priority number."""
        holding = [part for part in self.parts if part.update(observation)]
        return min(holding, key=lambda part: part.priority).last_reason if holding else None


class Both(Condition):
    """Holds as soon as all conditions do, each by its latest check: `a & b`."""

    def __init__(self, *parts: Condition) -> None:
        super().__init__(*parts)
        self.priority = max(part.priority for part in parts)

    def check(self, observation: Observation) -> str | None:
        """Returns the reasons of all parts, or None."""
        reasons = [part.update(observation) for part in self.parts]
        return " and ".join(map(str, reasons)) if all(reasons) else None
