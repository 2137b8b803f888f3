"""Statistics of BatchNormalization, estimated for the weights that a model has."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim.declaration import Integer
from tfoptim.declaration.domains import check_model
from tfoptim.step.swap import Values, held, write
from tfoptim.variables import copies

_SEVERAL_WORKERS = (tf.distribute.MultiWorkerMirroredStrategy, tf.distribute.ParameterServerStrategy)


def update_batch_norm(model: Any, data: Any, batch_size: int = 32, steps: int | None = None) -> None:
    """Estimates moving mean and variance of the BatchNormalization layers from one pass over data.

    For averaged weights, whose activations have other means and variances than those that training has seen (Izmailov
    et al., 2018, section 3.2; `torch.optim.swa_utils.update_bn`). Call it once the weights are those to be used, such
    as after `fit`. Each statistic becomes the mean over all batches of its value in a batch, all with the same weight.
    Nothing else changes; after an exception, nothing at all.

    - The model runs as in training, so that Dropout acts; states other than these statistics are put back.
    - A frozen layer (`trainable=False`) keeps its statistics: it uses them in training too.
    - A layer that is called more than once in a pass gets the statistics of its last call.
    - The variance is that of a batch, as in Keras's training; torch's is larger by `n / (n - 1)`.
    - Under a strategy each replica sees all of each batch; several workers are not supported.

    Args:
        model: built; its layers, also of models within it, are found by their class.
        data: what `model.predict` takes: arrays (for several inputs, in a list or a dictionary), or batches from
            a `tf.data.Dataset`, a `PyDataset`, a generator or a loader, each `x`, `(x, y)` or `(x, y, sample_weight)`.
        batch_size: of arrays, >= 1.
        steps: batches to be used, >= 1; None: all.

    Raises:
        TypeError: the model is no Keras model.
        ValueError: the model is not built, or the data have no batches, or no end.

    >>> import keras, numpy as np, tfoptim
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> tfoptim.update_batch_norm(model, np.array([[1.0], [3.0], [5.0], [9.0]]), batch_size=2)
    >>> [float(statistic[0]) for statistic in model.layers[0].get_weights()[2:]]  # means 2 and 7, variances 1 and 4
    [4.5, 2.5]
    """
    write(Statistics(model)(data, batch_size, steps))


class Statistics:
    """Computes the statistics of a model's layers for data; keeps its traced function for the next call."""

    def __init__(self, model: Any) -> None:
        check_model("update_batch_norm", model)
        if not model.built:
            raise ValueError("update_batch_norm: the model has no variables yet: add a keras.Input, or call it once.")
        if isinstance(model.distribute_strategy, _SEVERAL_WORKERS):
            raise ValueError("update_batch_norm: several workers are not supported.")
        self.model = model
        run = self._run if model.run_eagerly else tf.function(self._run, autograph=False, reduce_retracing=True)
        self._run_batch: Any = run

    def __call__(self, data: Any, batch_size: int = 32, steps: int | None = None) -> Values:
        """Returns each statistic on each device with its value for the data; changes nothing."""
        batch_size = Integer(1, required=True).parse("update_batch_norm: batch_size", batch_size)
        steps = None if steps is None else Integer(1).parse("update_batch_norm: steps", steps)
        layers = [layer for layer in _layers(self.model) if layer.trainable]
        statistics = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
        if not layers:
            return []
        strategy, count = self.model.distribute_strategy, 0
        sums: list[Any] = [np.zeros(v.shape) for v in statistics]
        with _of_one_batch(layers), held(self._states()):
            for x in _batches(data, batch_size, steps):
                self._run_batch(x)
                count += 1
                now = [copies(strategy, v)[0].numpy() for v in statistics]
                sums = [total + value for total, value in zip(sums, now, strict=True)]
        if not count:
            raise ValueError("update_batch_norm: the data have no batches.")
        means = [total / count for total in sums]
        return [
            (copy, tf.cast(mean, copy.dtype))
            for v, mean in zip(statistics, means, strict=True)
            for copy in copies(strategy, v)
        ]

    def _run(self, x: Any) -> None:
        self.model.distribute_strategy.run(lambda batch: self.model(batch, training=True), args=(x,))

    def _states(self) -> Values:
        """Returns all that a pass in training mode may change, with its present value."""
        strategy = self.model.distribute_strategy
        found = [copy for v in self.model.non_trainable_variables for copy in copies(strategy, v)]
        return [(copy, tf.convert_to_tensor(copy)) for copy in found]


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


@contextlib.contextmanager
def _of_one_batch(layers: list[Any]) -> Iterator[None]:
    """Has moving statistics become those of the last batch."""
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 0.0
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def _batches(data: Any, batch_size: int, steps: int | None) -> Iterator[Any]:
    """Yields the inputs of each batch as tensors."""
    endless = isinstance(data, tf.data.Dataset) and data.cardinality() == tf.data.INFINITE_CARDINALITY
    if steps is None and (endless or getattr(data, "num_batches", 0) is None):
        raise ValueError("update_batch_norm: the data have no end: give steps, the number of batches to use.")
    for batch in itertools.islice(_slices(data, batch_size) if _are_arrays(data) else data, steps):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        yield tf.nest.map_structure(lambda leaf: leaf if tf.is_tensor(leaf) else tf.convert_to_tensor(leaf), x)


def _are_arrays(data: Any) -> bool:
    leaves = tf.nest.flatten(data) if isinstance(data, (dict, list, tuple)) else [data]
    return all(tf.is_tensor(leaf) or hasattr(leaf, "__array__") for leaf in leaves)


def _slices(data: Any, batch_size: int) -> Iterator[tuple[Any]]:
    for start in range(0, len(tf.nest.flatten(data)[0]), batch_size):
        yield (tf.nest.map_structure(lambda array, at=start: array[at : at + batch_size], data),)
