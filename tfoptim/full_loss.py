"""Loss of a Keras model over all examples, with its gradient."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.domains import Integer, check_model


class FullLoss:
    """A model's compiled loss over a whole dataset, as of one batch. Layers compute as in inference.

    Args:
        model: compiled with a loss.
        data: finite; batches of `(x, y)` or `(x, y, sample_weight)`, of any sizes.
    """

    def __init__(self, model: Any, data: tf.data.Dataset) -> None:
        self.model, self.data = model, data
        self.examples = 0  # counted by the first call
        self._totals: list[tf.Tensor] | None = None
        self._loss, self._count = _compiled(self._part), _compiled(self._counted)
        self._variables: list[Any] = []
        self._differentiate([])

    def __call__(self) -> tf.Tensor:
        """Returns the loss at the present weights, a float64 scalar."""
        return self._sum(lambda *batch: [self._loss(*batch)])[0]

    def value_and_gradient(self, variables: Sequence[Any]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the loss and its gradient at the present weights, float64: sums over batches lose no digits.

        Args:
            variables: for whose values the gradient is; zeros where the loss does not depend on one.
        """
        self._differentiate(variables)
        loss, *gradients = self._sum(self._gradient)
        return loss, gradients

    def product(self, variables: Sequence[Any], vector: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the product of the Hessian at the present weights and a vector, float64.

        Args:
            variables: as above.
            vector: a tensor for each, of its shape.
        """
        self._differentiate(variables)
        return self._sum(lambda x, y, weight, totals: self._product(x, y, weight, list(vector), totals))

    def _differentiate(self, variables: Sequence[Any]) -> None:
        """Drops the traces for other variables."""
        if not variables or [id(v) for v in variables] != [id(v) for v in self._variables]:
            self._variables = list(variables)
            self._gradient, self._product = _compiled(self._with_gradient), _compiled(self._with_product)

    def _sum(self, of_batch: Callable[..., list[tf.Tensor]]) -> list[tf.Tensor]:
        """Returns sums over batches of what a function returns for a batch and all totals."""
        if (n := tf.distribute.get_strategy().num_replicas_in_sync) > 1:  # Keras divides means by them
            raise RuntimeError(f"full_loss: uses one device, and a strategy of {n} replicas is open; leave its scope.")
        if self._totals is None:
            self._totals = _added(self._count(*batch) for batch in self._batches())
            self.examples = int(self._totals[0])
        return _added(of_batch(*batch, self._totals) for batch in self._batches())

    def _batches(self) -> Iterator[tuple[Any, Any, Any]]:
        return (keras.utils.unpack_x_y_sample_weight(batch) for batch in self.data)

    def _counted(self, x: Any, y: Any, weight: Any) -> list[tf.Tensor]:
        """Returns a batch's number of examples, and what each compiled loss divides by, float64."""
        size = _size(x)
        outputs, divisors = self.model(x, training=False), dict[int, tf.Tensor]()
        if not getattr(self.model._compile_loss, "built", True):
            self.model.compute_loss(x, y, outputs, weight, training=False)  # resolves names of losses

        def term(i: int, loss: Any, *arguments: Any) -> tf.Tensor:
            divisor = _divisor(loss, *arguments)
            divisors[i] = size if divisor is None else divisor
            return tf.zeros([])

        with _replaced(self.model, term):
            self.model.compute_loss(x, y, outputs, weight, training=False)
        return [size, *(divisors[i] for i in sorted(divisors))]

    def _part(self, x: Any, y: Any, weight: Any, totals: list[tf.Tensor]) -> tf.Tensor:
        """Returns what a batch adds to the loss: of sums all, of means and penalties its share."""
        share = _size(x) / totals[0]

        def term(i: int, loss: Any, *arguments: Any) -> tf.Tensor:
            value, divisor = loss(*arguments), _divisor(loss, *arguments)
            if loss.reduction == "sum":
                return value / tf.cast(share, value.dtype)
            if divisor is None:
                return value
            return value * tf.cast(tf.math.divide_no_nan(divisor, totals[i + 1]) / share, value.dtype)

        with _replaced(self.model, term):
            loss = self.model.compute_loss(x, y, self.model(x, training=False), weight, training=False)
        if loss.shape.rank not in (0, None):
            raise ValueError(f"full_loss: compute_loss of the model must return one number, got shape {loss.shape}.")
        return tf.cast(loss, tf.float64) * share

    def _with_gradient(self, x: Any, y: Any, weight: Any, totals: list[tf.Tensor]) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = self._part(x, y, weight, totals)
        return [loss, *self._of(tape, loss)]

    def _with_product(
        self, x: Any, y: Any, weight: Any, vector: list[tf.Tensor], totals: list[tf.Tensor]
    ) -> list[tf.Tensor]:
        with tf.GradientTape() as outer:
            gradients = self._with_gradient(x, y, weight, totals)[1:]
            along = tf.add_n([tf.reduce_sum(g * tf.cast(v, g.dtype)) for g, v in zip(gradients, vector, strict=True)])
        return self._of(outer, along)

    def _of(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        """Returns the gradient of what a tape has seen, float64."""
        values = [getattr(v, "value", v) for v in self._variables]
        gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [tf.cast(tf.convert_to_tensor(g), tf.float64) for g in gradients]


class _Ones(keras.losses.Loss):
    """1 for each number that a loss has of a batch, masked as they are."""

    def __init__(self, loss: Any, reduction: str) -> None:
        super().__init__(loss.name, reduction, loss.dtype)
        self.loss, self.masks = loss, False

    def call(self, y_true: Any, y_pred: Any) -> Any:
        values = self.loss.call(y_true, y_pred)
        ones, mask = tf.ones_like(values), getattr(values, "_keras_mask", None)
        ones._keras_mask, self.masks = mask, mask is not None
        return ones


def _divisor(loss: Any, y: Any, outputs: Any, weight: Any = None) -> tf.Tensor | None:
    """Returns what a loss divides by where it averages, float64; None: examples, or what its own code does."""
    weight = weight if loss.reduction == "mean_with_sample_weight" else None
    if type(loss).__call__ is not keras.losses.Loss.__call__ or loss.reduction == "sum":
        return None
    ones, mean = _Ones(loss, "sum"), _Ones(loss, loss.reduction)
    total = ones(y, outputs, weight)
    if weight is None and not ones.masks and getattr(outputs, "_keras_mask", None) is None:
        return None
    return tf.cast(tf.math.divide_no_nan(total, mean(y, outputs, weight)), tf.float64)


@contextlib.contextmanager
def _replaced(model: Any, term: Callable[..., tf.Tensor]) -> Iterator[None]:
    """Has a model call `term(i, loss, y, outputs, weight)` for its i-th compiled loss."""
    compiled = model._compile_loss
    losses = getattr(compiled, "_flat_losses", None)
    if losses is None:  # the model computes its loss itself
        yield
        return
    compiled._flat_losses = [
        entry._replace(loss=functools.partial(term, i, entry.loss)) for i, entry in enumerate(losses)
    ]
    try:
        yield
    finally:
        compiled._flat_losses = losses


def _size(x: Any) -> tf.Tensor:
    return tf.cast(tf.shape(tf.nest.flatten(x)[0])[0], tf.float64)


def _added(parts: Iterable[list[tf.Tensor]]) -> list[tf.Tensor]:
    """Returns the sums of lists, number by number."""
    sums: list[tf.Tensor] = []
    for part in parts:
        sums = [s + p for s, p in zip(sums, part, strict=True)] if sums else list(part)
    if not sums:
        raise ValueError("full_loss: the data are empty.")
    return sums


def _compiled(function: Callable[..., Any]) -> Any:
    return tf.function(function, reduce_retracing=True, autograph=False)


def _check(model: Any) -> None:
    """Raises for a model whose loss is no number, or has too few digits."""
    for loss in keras.tree.flatten(model.loss):
        if isinstance(loss, keras.losses.Loss) and loss.reduction in (None, "none"):
            raise ValueError(
                f"full_loss: {loss.name} has the reduction {loss.reduction!r}, which leaves a number of each example; "
                "compile with 'sum_over_batch_size' or 'sum'."
            )
    for layer in model._flatten_layers():
        if layer.compute_dtype in ("float16", "bfloat16"):
            raise ValueError(
                f"full_loss: {layer.name} computes in {layer.compute_dtype}, which has too few digits for steps on the "
                "whole loss; make the model without mixed precision."
            )


def full_loss(model: Any, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int = 4096) -> FullLoss:
    """Returns the loss of a compiled Keras model over all examples, for `tfoptim.minimize`.

    The compiled loss as of one batch of all examples, whatever the batches: each loss is summed or averaged (over
    examples, over what is not masked, or by weight) as its reduction says, and regularisation counts once. A loss that
    returns one number for a batch counts as a mean over its examples, and so do penalties on activity, which older
    versions of Keras sum over a batch. Layers compute as in inference: no dropout, moving statistics in batch
    normalisation. Batches are summed in float64, one in memory at a time; the first call counts what losses divide by.

    Args:
        model: compiled with a loss, without mixed precision; its optimizer is not used.
        x: inputs, arrays or nested arrays; or a finite `tf.data.Dataset` of batches of `(x, y)` or
            `(x, y, sample_weight)`.
        y: targets, with arrays.
        sample_weight: weights of examples, with arrays.
        batch_size: examples held at a time, of arrays.

    Raises:
        TypeError: the model is no Keras model.
        ValueError: the model is not compiled, computes in half precision, or has a loss without reduction; `y` is
            missing, or given with a dataset; the dataset has no end or, when it is used, no batch.
        RuntimeError: when it is used, `strategy.scope()` of several replicas is open.

    >>> import keras, numpy as np, tfoptim
    >>> model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> result = tfoptim.minimize(tfoptim.full_loss(model, x, 3 * x + 1), model.trainable_variables)
    >>> [np.round(v.numpy(), 3).tolist() for v in model.trainable_variables]
    [[[3.0]], [1.0]]
    """
    check_model("full_loss", model)
    if not model.compiled:
        raise ValueError("full_loss: the model has no loss; call model.compile(loss=...) first.")
    _check(model)
    if isinstance(x, tf.data.Dataset):
        if x.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("full_loss: the dataset has no end; give a part of it, such as data.take(100).")
        if y is not None or sample_weight is not None:
            raise ValueError("full_loss: a dataset has its targets and weights itself; leave y and sample_weight out.")
        return FullLoss(model, x)
    if y is None:
        raise ValueError("full_loss: y must be given with arrays.")
    size = Integer(1, required=True).parse("full_loss: batch_size", batch_size)
    arrays = (x, y) if sample_weight is None else (x, y, sample_weight)
    return FullLoss(model, tf.data.Dataset.from_tensor_slices(arrays).batch(size))
