"""Callback that evaluates with averaged weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tfoptim.evaluation.batch_norm import Statistics
from tfoptim.evaluation.hooks import around_next_call, wrap_others
from tfoptim.interop import parts
from tfoptim.optimizer import Optimizer
from tfoptim.step import own_average
from tfoptim.step.swap import Values, averages, held, shown


class EvaluateAverage(keras.callbacks.Callback):
    """Has validation, `evaluate`, `predict` and checkpoints use averaged weights, while training keeps its own.

    The average is what the optimizer keeps: a moving average (`use_ema=True`), the mean of snapshots
    (`ema_momentum=tfoptim.schedules.SWA(start, period)`), or that of a Schedule-Free rule. Give the callback to `fit`,
    and after an interrupted `fit` or within a loop of yours to `evaluate` and `predict`. A complete `fit` ends with the
    averaged weights without it.

    >>> import keras, numpy as np, tfoptim
    >>> x, y = np.random.default_rng(0).normal(size=(2, 32, 1)).astype("float32")
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(tfoptim.Adam(0.1, use_ema=True), "mse")
    >>> average = tfoptim.callbacks.EvaluateAverage()
    >>> history = model.fit(x, y, validation_data=(x, y), callbacks=[average], verbose=0)
    >>> loss = model.evaluate(x, y, callbacks=[average], verbose=0)

    The weights are the averaged ones

    - while the model computes the batches of an evaluation or a prediction,
    - in the hooks `on_test_...` and `on_predict_...` of all other callbacks,
    - while `ModelCheckpoint` saves, and while `EarlyStopping` keeps the best weights,

    and at no other time: after each of them, and after an exception in it, they are the training weights, to the bit.
    So `Resume`, `BackupAndRestore` and callbacks of your own see the training weights at the end of an epoch, and the
    order of callbacks does not matter. A saved model has the averaged weights for use; to go on training, use `Resume`.
    Whatever a hook assigns to the weights while they are the averaged ones is lost.

    With layers of BatchNormalization, whose statistics are those of the training weights, give `batch_norm_data`:
    before each evaluation, `tfoptim.update_batch_norm` estimates them for the averaged weights, and after it they are
    put back like the weights. After `fit`, call `update_batch_norm` itself.

    Args:
        batch_norm_data: what `update_batch_norm` takes and can be read repeatedly, such as arrays of inputs or a
            `tf.data.Dataset`; all of it is read before each evaluation. None: the statistics stay as they are.

    Raises:
        TypeError: `batch_norm_data` can be read once only.
        ValueError: at the start of `fit`, `evaluate` or `predict`, the optimizer keeps no average; or another callback,
            such as `keras.callbacks.SwapEMAWeights`, swaps weights too.
    """

    def __init__(self, batch_norm_data: Any = None) -> None:
        super().__init__()
        if hasattr(batch_norm_data, "__next__"):
            raise TypeError(
                "EvaluateAverage: batch_norm_data is read before each evaluation, and a "
                f"{type(batch_norm_data).__name__} can be read once only: give arrays or a dataset."
            )
        self.batch_norm_data = batch_norm_data
        self._statistics: Statistics | None = None
        self._known: tuple[list[int], Values] | None = None

    # Methods that Keras calls

    def on_train_begin(self, logs: Any = None) -> None:
        """Checks the optimizer, and has the other callbacks see averaged weights where they should.

        A rule's own average, with which an earlier `fit` has ended, makes way for the training weights.
        """
        self._begin()
        for optimizer in self._optimizers():
            own_average.leave(optimizer)

    def on_test_begin(self, logs: Any = None) -> None:
        """The same for an evaluation, within `fit` or not."""
        self._begin()

    def on_predict_begin(self, logs: Any = None) -> None:
        """The same for a prediction."""
        self._begin()

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Has the model compute the next batch with averaged weights."""
        around_next_call(self, self.model, "test_function", self._averaged)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """The same for a prediction."""
        around_next_call(self, self.model, "predict_function", self._averaged)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Frees the memory of averaged weights, which training changes."""
        self._known = None

    def on_test_end(self, logs: Any = None) -> None:
        """Frees the memory, unless it holds statistics that a checkpoint of this epoch needs."""
        self._known = self._known if self.batch_norm_data is not None else None

    def on_predict_end(self, logs: Any = None) -> None:
        """The same for a prediction."""
        self.on_test_end()

    # Implementation

    def _optimizers(self) -> list[Optimizer]:
        """Returns the optimizers in the model's that take steps and keep an average.

        Raises:
            ValueError: there is none.
        """
        optimizer = getattr(self.model, "optimizer", None)
        found = [part for part in parts(optimizer) if part._outer() is part and part.averages]
        if not found:
            kind = type(optimizer).__name__
            what = "the model has no optimizer" if optimizer is None else f"{kind} keeps no average of the weights"
            raise ValueError(f"EvaluateAverage: {what}: compile it with one of tfoptim that has use_ema=True.")
        return found

    def _begin(self) -> None:
        self._optimizers()
        wrap_others(self, self._averaged)
        self._known = None

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        optimizers = self._optimizers()
        with shown(optimizers, lambda: self._values(optimizers)):
            yield

    def _values(self, optimizers: list[Optimizer]) -> Values:
        """Returns averaged weights, and statistics that belong to them; computed once after each step."""
        steps = [int(tf.convert_to_tensor(optimizer.iterations)) for optimizer in optimizers]
        if self._known is None or self._known[0] != steps:
            weights = self.model.trainable_variables
            values = [pair for optimizer in optimizers for pair in averages(optimizer, weights)]
            if self.batch_norm_data is not None:
                with held(values):
                    values = values + self._of_batches()
            self._known = steps, values
        return self._known[1]

    def _of_batches(self) -> Values:
        if self._statistics is None or self._statistics.model is not self.model:
            self._statistics = Statistics(self.model)
        return self._statistics(self.batch_norm_data)
