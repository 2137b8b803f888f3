"""When to stop: what a stopping condition is, how two combine, and how they follow `fit` or a loop of one's own.

The conditions themselves are in `tfoptim.stopping.conditions`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import keras

from tfoptim.stopping.observation import Seen, Spent


class Condition(keras.callbacks.Callback):
    """A reason to stop: a callback for `fit`, and two calls for other loops.

    `a | b` stops as soon as one of them holds, `a & b` as soon as both do; between its own checks, a condition counts
    as it was at the last one. When several hold at once, the reason is the first of: not finite, target, gradient,
    decrease, no improvement, budget.

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

    In `fit`, list it before `Resume`, and give it to `Resume(callbacks=...)` too: then counters, best values and the
    seconds of all parts go on after an interruption. Other loops save `stop.state`, which JSON can hold, and assign it.
    At the end of `fit` the reason is printed once, unless `verbose=0`.

    A subclass defines `due` and `judge`, and declares in `remembered` what it keeps between checks.
    """

    rank: int = 0
    """The place of its reason among others that hold at the same time; the lowest is told."""

    remembered: ClassVar[Mapping[str, Any]] = {}
    """What it keeps between checks: attribute -> value at the start, both JSON-safe."""

    reason: str | None
    """Why training was stopped, `kind: what happened; after what cost`; None as long as it goes on."""

    verdict: str | None
    """What its latest check said: why to stop, or None."""

    spent: Spent
    """The cost of the training so far; kept by the condition that was given to `fit`, not by its parts."""

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

    # What a condition defines

    def due(self, seen: Seen) -> bool:
        """Tells whether this is a check."""
        raise NotImplementedError(f"{type(self).__name__} must define due(seen) and judge(seen).")

    def judge(self, seen: Seen) -> str | None:
        """Returns why to stop, `kind: what happened`, or None."""
        raise NotImplementedError(f"{type(self).__name__} must define due(seen) and judge(seen).")

    def begin_fit(self) -> None:
        """Raises if it, or one of its parts, cannot be judged in `fit`."""
        for part in self.parts:
            part.begin_fit()

    # Its state

    def reset(self) -> None:
        """Forgets everything, for another training; `fit` calls it at its start."""
        self.reason, self.verdict, self.spent = None, None, Spent()
        self._first_step, self._earlier = 0, 0  # steps before this training; examples of its earlier epochs
        self._clock: float | None = None
        self._compiled = False
        self._tracker: Any = None
        self._recall(self.remembered)
        for part in self.parts:
            part.reset()

    @property
    def state(self) -> dict[str, Any]:
        """What has been seen so far, JSON-safe; assign it to the same condition in another process."""
        names = ("reason", "verdict", "_first_step", "_earlier", *self.remembered)
        kept = {name: getattr(self, name) for name in names}
        return {**kept, "spent": asdict(self.spent), "parts": [part.state for part in self.parts]}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        for part, kept in zip(self.parts, state["parts"], strict=True):
            part.state = kept
        self._recall({**state, "spent": Spent(**state["spent"]), "parts": self.parts})

    def _recall(self, kept: Mapping[str, Any]) -> None:
        for name, value in kept.items():
            setattr(self, name, value)

    def look(self, seen: Seen) -> str | None:
        """Judges, if it is time, and returns the latest verdict."""
        if self.due(seen):
            self.verdict = self.judge(seen)
        return self.verdict

    # What a loop calls

    def after_step(
        self,
        *,
        loss: Any = None,
        gradients: Sequence[Any] | None = None,
        weights: Sequence[Any] | None = None,
        examples: int | None = None,
    ) -> bool:
        """Tells whether to stop; to be called after each step.

        Args:
            loss: of this step, a scalar.
            gradients: that this step has used, tensors or arrays.
            weights: after this step, tensors or variables.
            examples: whose gradients were computed for this step.
        """
        self.spent.steps += 1
        self.spent.examples += examples or 0
        self._tick()
        logs = {} if loss is None else {"loss": loss}
        return self._stops(Seen(self.spent, False, logs, examples is not None, gradients, weights, self._model))

    def after_epoch(self, logs: Mapping[str, Any], weights: Sequence[Any] | None = None) -> bool:
        """Tells whether to stop; to be called at the end of each epoch, or whenever there are new values to judge.

        Args:
            logs: losses and metrics by name, such as `{"loss": 0.3, "val_loss": 0.4}`.
            weights: tensors or variables.
        """
        return self._stops(Seen(self.spent, True, logs, self.spent.examples > 0, None, weights, self._model))

    def _stops(self, seen: Seen) -> bool:
        if self.reason is None:
            verdict = self.look(seen)
            self.reason = f"{verdict}; after {self.spent}" if verdict else None
        return self.reason is not None

    def _tick(self) -> None:
        now = time.monotonic()
        if self._clock is not None:
            self.spent.seconds += now - self._clock
        self._clock = now

    # What Keras calls

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins anew; what `Resume` has kept is put back after this."""
        self.reset()
        self.begin_fit()
        self._first_step = self._steps_done()
        # Keras's mean of the loss, whose weights are the sizes of the batches.
        self._tracker = next((m for m in self.model.metrics if m.name == "loss" and hasattr(m, "count")), None)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Starts the clock, but not before the first update: it compiles."""
        self._clock = time.monotonic() if self._compiled else None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts and judges. Batches that `Resume` only draws come without logs."""
        if not logs:
            return
        self._tick()
        steps = self._steps_done() - self._first_step
        self._compiled, self.spent.steps = self._compiled or steps > self.spent.steps, steps
        if self._tracker is not None:
            self.spent.examples = self._earlier + int(keras.ops.convert_to_numpy(self._tracker.count))
        self._judge_in_fit(False, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Judges."""
        self._earlier = self.spent.examples
        self._judge_in_fit(True, logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        """Says why training has ended."""
        stopped = self.model.stop_training
        if self.reason is None:
            why = "other: another callback has stopped training" if stopped else "epochs: all are done"
            self.reason = f"{why}; after {self.spent}"
        if self.params.get("verbose"):
            print(f"Training has ended. {self.reason}.")

    def _judge_in_fit(self, epoch_ended: bool, logs: Mapping[str, Any]) -> None:
        seen = Seen(self.spent, epoch_ended, logs, counted=self._tracker is not None, model=self.model)
        if self._stops(seen):
            self.model.stop_training = True

    def _steps_done(self) -> int:
        return int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))


class Either(Condition):
    """Holds as soon as one of two conditions does: `a | b`."""

    def __init__(self, *parts: Condition) -> None:
        super().__init__(*parts)
        self.rank = min(part.rank for part in parts)

    def due(self, seen: Seen) -> bool:
        """Always: the parts know when their time is."""
        return True

    def judge(self, seen: Seen) -> str | None:
        """Returns the reason of the part that holds; of two, that of lower rank."""
        holding = [part for part in self.parts if part.look(seen)]
        return min(holding, key=lambda part: part.rank).verdict if holding else None


class Both(Condition):
    """Holds as soon as two conditions do, each by its latest check: `a & b`."""

    def __init__(self, *parts: Condition) -> None:
        super().__init__(*parts)
        self.rank = max(part.rank for part in parts)

    def due(self, seen: Seen) -> bool:
        """Always: the parts know when their time is."""
        return True

    def judge(self, seen: Seen) -> str | None:
        """Returns both reasons."""
        verdicts = [part.look(seen) for part in self.parts]
        return " and ".join(map(str, verdicts)) if all(verdicts) else None
