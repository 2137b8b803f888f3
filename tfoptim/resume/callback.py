"""Callback that resumes interrupted training bit for bit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim.declaration.domains import Integer
from tfoptim.resume import checkpoints, snapshot


class Resume(keras.callbacks.Callback):
    """Saves the complete training state, and resumes interrupted training from it bit for bit.

    To resume, start the interrupted program again:

    >>> import tempfile
    >>> import numpy as np, tensorflow as tf, tfoptim
    >>> folder = tempfile.mkdtemp()
    >>> x, y = np.random.default_rng(0).normal(size=(2, 64, 1)).astype("float32")
    >>> def batches(epoch):
    ...     return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64, seed=epoch).batch(16)
    >>> def program(epochs):
    ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    ...     model.compile(tfoptim.Adam(0.1), "mse")
    ...     resume = tfoptim.callbacks.Resume(folder, every_steps=100)
    ...     data = resume.data(batches)
    ...     model.fit(data, epochs=epochs, initial_epoch=resume.epoch, callbacks=[resume], shuffle=False, verbose=0)
    ...     return resume
    >>> program(epochs=2).epoch
    2
    >>> len(program(epochs=4).history["loss"])
    4

    It saves at the start, after every epoch and after every `every_steps` batches: weights, BatchNorm statistics, seed
    generators (Dropout, augmentation layers), the optimizer (slots, counters, accumulated gradients, moving averages, a
    wrapper's loss scale), values that differ between replicas, numbers assigned to the optimizer during training, the
    metrics of an unfinished epoch, and the position. To resume an unfinished epoch, completed batches are drawn without
    training on them; other callbacks see these batches too.

    A checkpoint is complete or absent: it is written under a temporary name, flushed to disk and renamed. The newest
    two are kept. A damaged checkpoint is skipped with a warning, and the one before it is loaded.

    Runs are equal to the last bit for the same program and versions, on devices that compute alike (on GPUs after
    `tf.config.experimental.enable_op_determinism()`). Not covered:

    - data whose order is not a function of the epoch: `fit(x, y, shuffle=True)`, unseeded `shuffle`, stateful random
      operations in `map`;
    - callbacks that are not passed as `callbacks`, or whose state has other names than in Keras's callbacks;
    - several workers.

    Args:
        folder: for the checkpoints; created if missing. One folder per run, one process at a time.
        every_steps: also save within an epoch, after this many batches since the last save.
        callbacks: stopping conditions of `tfoptim.callbacks`, EarlyStopping, ReduceLROnPlateau, ModelCheckpoint ...
            whose counters and best values are saved too. `fit` must list them before this one.

    Raises:
        ValueError: the folder is not writable or has only damaged checkpoints; or, at the start of `fit`, before
            anything is changed, the checkpoint is of another model, optimizer or set of callbacks.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every_steps: int | None = None,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__()
        self.folder = checkpoints.prepare(folder)
        self.every_steps = None if every_steps is None else Integer(1).parse("Resume: every_steps", every_steps)
        self.callbacks = tuple(callbacks)
        self._found: checkpoints.Checkpoint | None = None
        self._given: list[dict[str, Any]] | None = None
        self._optimizer: Any = None
        self._skip = 0
        self._find()

    epoch: int
    """Epoch to resume from: pass it to `fit` as `initial_epoch`. The last epoch if a callback has stopped training."""

    batch: int
    """Completed batches of that epoch."""

    step: int
    """Completed batches of all epochs."""

    history: dict[str, list[float]]
    """`fit(...).history` of the training so far, as without interruption."""

    def data(self, make: Callable[[tf.Tensor], tf.data.Dataset]) -> tf.data.Dataset:
        """Returns the dataset to pass to `fit`, which is `make(epoch)` in each epoch.

        Args:
            make: returns the finite dataset of an epoch, given as an int64 tensor, which can serve as a seed.
        """
        size = int(make(tf.constant(0, tf.int64)).cardinality())
        if size == tf.data.INFINITE_CARDINALITY:
            raise ValueError("Resume: make(epoch) must be finite, got an infinite dataset: use .take(batches).")

        def of_this_epoch(_: tf.Tensor) -> tf.data.Dataset:  # pragma: no cover  AutoGraph runs a copy of it
            tf.random.set_seed(1)  # of this function's graph: the order depends on the epoch, not on a global seed
            epoch = tf.numpy_function(lambda: np.int64(self.epoch), [], tf.int64)
            return make(tf.ensure_shape(epoch, ()))

        data = tf.data.Dataset.range(1).flat_map(of_this_epoch)
        return data if size < 0 else data.apply(tf.data.experimental.assert_cardinality(size))

    # Methods that Keras calls

    def on_train_begin(self, logs: Any = None) -> None:
        """Restores the checkpoint, or saves the initial state."""
        snapshot.check(self.model)
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        if self._optimizer is not self.model.optimizer:  # otherwise, settings may have changed in training
            self._optimizer, self._facts = self.model.optimizer, snapshot.facts(self.model, self.callbacks)
        if self._found is None:
            self._find()  # this may be the second `fit` with this object
        if self._found is None:
            self._save()
            return
        _, arrays, content = self._found
        _refuse(snapshot.differences(self._facts, content["facts"]))
        steps = self.params["steps"]  # None if Keras does not know
        if steps is not None and steps <= self.batch - self.model.steps_per_execution:
            self._refuse_data()
        saved, now = content["versions"], snapshot.versions()
        if saved != now:
            promise = "equality to the last bit is promised for the same versions only"
            warnings.warn(f"Resume: saved with {saved}, resumed with {now}: {promise}.", stacklevel=2)
        snapshot.restore(self.model, arrays, content, metrics=False)
        snapshot.restore_callbacks(self.callbacks, arrays, content)
        self._given, self._skip = content["counters"], self.batch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Checks that `fit` resumes where training stopped."""
        if epoch != self.epoch:
            raise ValueError(
                f"Resume: fit is at epoch {epoch}, but {self.epoch} are complete: pass initial_epoch=resume.epoch."
            )
        if self._given is not None and self._given != [snapshot.counters(callback) for callback in self.callbacks]:
            raise ValueError("Resume: `callbacks` were reset after it: list them before it in fit(callbacks=...).")
        self._given = None
        if not self._skip:
            self._found = None

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Replaces training on a completed batch by drawing it."""
        if batch < self._skip:
            train, last = self.model.train_function, batch + self.model.steps_per_execution >= self._skip

            def draw(iterator: Any) -> Any:
                self.model.train_function = train
                return self._draw(iterator, last)

            self.model.train_function = draw

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts, and saves if `every_steps` is reached."""
        done = batch + 1
        if self._skip:
            self._skip = 0 if done >= self._skip else self._skip
            return
        self.step += done - self.batch
        self.batch = done
        if self.every_steps and self.step - self._saved >= self.every_steps:
            self._save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Updates the history, and saves."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.epoch, self.batch = (self.params["epochs"] if self.model.stop_training else epoch + 1), 0
        self._save()

    # Implementation

    def _find(self) -> None:
        """Loads the newest intact checkpoint, if there is any."""
        self._found, skipped = checkpoints.newest_intact(self.folder)
        if self._found is None:
            self.epoch = self.batch = self.step = self._saved = 0
            self.history, self._kept = {}, ""
            if skipped:
                reasons = "; ".join(skipped)
                raise ValueError(f"Resume: no intact checkpoint: {reasons}. Delete {self.folder} to start over.")
            return
        content = self._found.content
        self.epoch, self.batch, self.step = content["epoch"], content["batch"], content["step"]
        self.history, self._kept, self._saved = content["history"], self._found.path.name, self.step
        for reason in skipped:
            warnings.warn(f"Resume: {self.folder / reason}; resuming from {self._kept}.", stacklevel=3)

    def _save(self) -> None:
        """Writes a checkpoint and keeps the one before it; all others are deleted."""
        arrays, content = snapshot.capture(self.model, self.callbacks)
        position = {"epoch": self.epoch, "batch": self.batch, "step": self.step, "history": self.history}
        content |= {**position, "facts": self._facts, "versions": snapshot.versions()}
        name = checkpoints.name(self.step, self.epoch)
        checkpoints.write(self.folder, name, arrays, content)
        checkpoints.keep(self.folder, (name, self._kept))
        self._kept, self._saved = name, self.step

    def _draw(self, iterator: Any, last: bool) -> Any:
        """Replaces the training step on completed batches; the last one restores the checkpoint."""
        if (batch := next(iterator, None)) is None:
            self._refuse_data()
        for _ in range(self.model.steps_per_execution - 1):
            batch = next(iterator, batch)
        if not last or self._found is None:
            return {}
        _, arrays, content = self._found
        if len(content["metrics"]) != len(self.model.metrics_variables):
            snapshot.build_metrics(self.model, batch)
        here = snapshot.described(self.model.metrics_variables)
        _refuse(snapshot.differences({"metrics": here}, {"metrics": content["metrics"]}))
        snapshot.restore(self.model, arrays, content, metrics=True)
        self._found = None
        return self.model.get_metrics_result()

    def _refuse_data(self) -> None:
        raise ValueError(f"Resume: {self.batch} batches of epoch {self.epoch} are complete, but the data has fewer.")


def _refuse(differences: list[str]) -> None:
    if differences:
        raise ValueError(
            f"Resume: the checkpoint is of another training; nothing was changed. First of {len(differences)} "
            f"differences: {'; '.join(differences[:3])}. Use another folder to start over."
        )
