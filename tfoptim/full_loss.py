"""Loss of a Keras model over all examples, with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.domains import Integer


class FullLoss:
    """Mean of a model's compiled loss over a whole dataset; regularisation counts once. Layers compute as in inference.

    Args:
        model: compiled with a loss.
        data: finite; batches of `(x, y)` or `(x, y, sample_weight)`, of any sizes.
    """

    def __init__(self, model: Any, data: tf.data.Dataset) -> None:
        self.model, self.data = model, data
        self.examples = 0  # of the last call
        self._loss = _compiled(self._weighted)
        self._variables: list[Any] = []
        self._differentiate([])

    def __call__(self) -> tf.Tensor:
        """Returns the loss at the present weights, a float64 scalar."""
        return self._mean(lambda *batch: [self._loss(*batch)])[0]

    def value_and_gradient(self, variables: Sequence[Any]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the loss and its gradient at the present weights, float64: sums over batches lose no digits.

        Args:
            variables: for whose values the gradient is; zeros where the loss does not depend on one.
        """
        self._differentiate(variables)
        loss, *gradients = self._mean(self._gradient)
        return loss, gradients

    def product(self, variables: Sequence[Any], vector: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the product of the Hessian at the present weights and a vector, float64.

        Args:
            variables: as above.
            vector: a tensor for each, of its shape.
        """
        self._differentiate(variables)
        return self._mean(lambda *batch: self._product(*batch, list(vector)))

    def _differentiate(self, variables: Sequence[Any]) -> None:
        """Drops the traces for other variables."""
        if not variables or [id(v) for v in variables] != [id(v) for v in self._variables]:
            self._variables = list(variables)
            self._gradient, self._product = _compiled(self._with_gradient), _compiled(self._with_product)

    def _mean(self, of_batch: Callable[..., list[tf.Tensor]]) -> list[tf.Tensor]:
        """Returns means over examples of what a function returns for a batch, multiplied by its size."""
        sums: list[tf.Tensor] = []
        self.examples = 0
        for batch in self.data:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
            size = int(tf.shape(tf.nest.flatten(x)[0])[0])
            part = of_batch(x, y, weight, tf.constant(float(size)))
            sums = [s + p for s, p in zip(sums, part, strict=True)] if sums else part
            self.examples += size
        if not self.examples:
            raise ValueError("full_loss: the data are empty.")
        return [s / self.examples for s in sums]

    def _weighted(self, x: Any, y: Any, weight: Any, size: tf.Tensor) -> tf.Tensor:
        loss = self.model.compute_loss(x, y, self.model(x, training=False), weight, training=False)
        return tf.cast(loss, tf.float64) * tf.cast(size, tf.float64)

    def _with_gradient(self, x: Any, y: Any, weight: Any, size: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = self._weighted(x, y, weight, size)
        return [loss, *self._of(tape, loss)]

    def _with_product(self, x: Any, y: Any, weight: Any, size: Any, vector: list[tf.Tensor]) -> list[tf.Tensor]:
        with tf.GradientTape() as outer:
            gradients = self._with_gradient(x, y, weight, size)[1:]
            along = tf.add_n([tf.reduce_sum(g * tf.cast(v, g.dtype)) for g, v in zip(gradients, vector, strict=True)])
        return self._of(outer, along)

    def _of(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        """Returns the gradient of what a tape has seen, float64."""
        values = [getattr(v, "value", v) for v in self._variables]
        gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.cast(tf.convert_to_tensor(g), tf.float64) for g in gradients]


def _compiled(function: Callable[..., Any]) -> Any:
    return tf.function(function, reduce_retracing=True, autograph=False)


def full_loss(model: Any, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int = 4096) -> FullLoss:
    """Returns the loss of a compiled Keras model over all examples, for `tfoptim.minimize`.

    The mean of the compiled loss over examples, with regularisation once; layers compute as in inference: no dropout,
    moving statistics in batch normalisation. Batches are summed in float64, and hold the memory of one batch.

    Args:
        model: compiled with a loss; its optimizer is not used.
        x: inputs, arrays or nested arrays; or a finite `tf.data.Dataset` of batches of `(x, y)` or
            `(x, y, sample_weight)`.
        y: targets, with arrays.
        sample_weight: weights of examples, with arrays.
        batch_size: examples held at a time, of arrays.

    Raises:
        ValueError: the model is not compiled, or `y` is missing, or it is given with a dataset.

    >>> import keras, numpy as np, tfoptim
    >>> model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> result = tfoptim.minimize(tfoptim.full_loss(model, x, 3 * x + 1), model.trainable_variables)
    >>> [np.round(v.numpy(), 3).tolist() for v in model.trainable_variables]
    [[[3.0]], [1.0]]
    """
    if not getattr(model, "compiled", False):
        raise ValueError("full_loss: the model has no loss; call model.compile(loss=...) first.")
    if isinstance(x, tf.data.Dataset):
        if y is not None or sample_weight is not None:
            raise ValueError("full_loss: a dataset has its targets and weights itself; leave y and sample_weight out.")
        return FullLoss(model, x)
    if y is None:
        raise ValueError("full_loss: y must be given with arrays.")
    size = Integer(1, required=True).parse("full_loss: batch_size", batch_size)
    arrays = (x, y) if sample_weight is None else (x, y, sample_weight)
    return FullLoss(model, tf.data.Dataset.from_tensor_slices(arrays).batch(size))
