"""A point of a search, and the loss that is searched: a function of one flat float64 vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.declaration.domains import shown
from tfoptim.variables import is_float, listed, path, raw


@dataclass(frozen=True)
class Point:
    """Weights with loss and gradient, float64."""

    x: np.ndarray  # (n,)
    loss: float
    gradient: np.ndarray  # (n,)


class Flat:
    """Variables as one flat float64 vector.

    Args:
        what: for messages.
        variables: float32 or float64, without constraints.

    Raises:
        TypeError: they are no list of variables, or one is of another dtype.
        ValueError: there is none, or one has a constraint, or is given twice.
    """

    def __init__(self, what: str, variables: Sequence[Any]) -> None:
        self.variables = listed(what, variables)
        if not self.variables:
            raise ValueError(f"{what}: variables must not be empty.")
        for v in self.variables:
            _check(what, v)
        if len({id(v) for v in self.variables}) < len(self.variables):
            raise ValueError(f"{what}: a variable is given twice.")
        self.tensors = [raw(v) for v in self.variables]
        self.shapes = [tuple(v.shape) for v in self.variables]
        self.sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.n = sum(self.sizes)

    def read(self) -> np.ndarray:
        """Returns the present weights."""
        return np.concatenate([np.asarray(v, np.float64).ravel() for v in map(tf.convert_to_tensor, self.tensors)])

    def write(self, x: Any) -> None:
        """Assigns weights."""
        for v, part in zip(self.tensors, self.split(x), strict=True):
            v.assign(tf.cast(part, v.dtype))

    def rounded(self, x: np.ndarray) -> np.ndarray:
        """Returns weights as the variables can hold them."""
        parts = zip(np.split(x, np.cumsum(self.sizes)[:-1]), self.tensors, strict=True)
        return np.concatenate([part.astype(v.dtype.as_numpy_dtype).astype(np.float64) for part, v in parts])

    def split(self, x: Any) -> list[tf.Tensor]:
        """Returns a flat vector as tensors of the variables' shapes."""
        return [tf.reshape(part, shape) for part, shape in zip(tf.split(x, self.sizes), self.shapes, strict=True)]

    def join(self, parts: Sequence[Any]) -> tf.Tensor:
        """Returns tensors of the variables' shapes as a flat vector; None counts as zeros."""
        given = zip(parts, self.tensors, strict=True)
        dense = [tf.zeros_like(v) if part is None else tf.convert_to_tensor(part) for part, v in given]
        return tf.concat([tf.reshape(tf.cast(part, tf.float64), [-1]) for part in dense], 0)


def _check(what: str, v: Any) -> None:
    if not is_float(v) or tf.as_dtype(v.dtype) not in (tf.float32, tf.float64):
        name = tf.as_dtype(v.dtype).name
        raise TypeError(f"{what}: {path(v)} must be float32 or float64, got {name}; its steps need the digits.")
    if getattr(v, "constraint", None) is not None:
        raise ValueError(f"{what}: {path(v)} has a constraint, which the method would leave; remove it.")


def check_function(what: str, argument: str, value: Any) -> None:
    """Raises unless an argument can be called."""
    if not callable(value):
        hint = f"write lambda: ..., which reads the variables when it is called: {what} calls it again and again"
        raise TypeError(f"{what}: {argument} must be a function without arguments, got {shown(value)}; {hint}.")


def returned(must: str, value: Any) -> tf.Tensor:
    """Returns what a user's function returned as a tensor, if it is float32 or float64.

    Args:
        must: what it must return, for the message.
        value: what it returned.
    """
    try:
        tensor = tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        raise ValueError(f"{must}, got {shown(value)}.") from None
    if not tensor.dtype.is_floating:
        raise ValueError(f"{must}, got {tensor.dtype.name} of shape {tensor.shape}.")
    if tensor.dtype not in (tf.float32, tf.float64):
        raise ValueError(
            f"{must} of float32 or float64, got {tensor.dtype.name}; leave mixed precision, as steps need the digits."
        )
    return tensor


class Objective:
    """Loss of variables, compiled once; counts its evaluations.

    Args:
        what: for messages.
        loss: function without arguments that reads the variables and returns a scalar; or an object with a method
            `value_and_gradient(variables)` and one `product(variables, vector)`, which are called as they are.
        flat: the variables.
    """

    def __init__(self, what: str, loss: Callable[[], Any], flat: Flat) -> None:
        self.what, self.loss, self.flat = what, loss, flat
        self.evaluations = 0
        self.products = 0
        whole = getattr(loss, "value_and_gradient", None)
        if not whole:
            check_function(what, "loss", loss)
        self._evaluate = self._in_parts(whole) if whole else tf.function(self._graph, autograph=False)
        self._product = self._products_in_parts if whole else tf.function(self._graph_of_product, autograph=False)

    @property
    def gradients(self) -> int:
        """Gradients so far, of single examples where the loss has some; a product with the Hessian counts as two."""
        return (self.evaluations + 2 * self.products) * int(getattr(self.loss, "examples", 1))

    def __call__(self, x: np.ndarray) -> Point:
        """Returns loss and gradient at weights, which are rounded to what the variables hold."""
        self.evaluations += 1
        x = self.flat.rounded(x)
        loss, gradient = self._evaluate(tf.constant(x))
        return Point(x, float(loss), gradient.numpy())

    def product(self, x: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Returns the product of the Hessian at weights and a vector: about as much work as two gradients."""
        self.products += 1
        return self._product(tf.constant(x), tf.constant(vector)).numpy()  # type: ignore[no-any-return]

    def _graph(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = self._at(x)
        return tf.cast(loss, tf.float64), self.flat.join(tape.gradient(loss, self.flat.tensors))

    def _graph_of_product(self, x: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                loss = self._at(x)
            gradient = self.flat.join(inner.gradient(loss, self.flat.tensors))
            along = tf.tensordot(gradient, vector, 1)
        return self.flat.join(outer.gradient(along, self.flat.tensors))

    def _at(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the loss after the variables are set."""
        for v, part in zip(self.flat.tensors, self.flat.split(x), strict=True):
            v.assign(tf.cast(part, v.dtype))
        must = f"{self.what}: loss must return a float scalar"
        loss = returned(must, self.loss())
        if loss.shape.rank not in (0, None):
            raise ValueError(f"{must}, got {loss.dtype.name} of shape {loss.shape}.")
        return loss

    def _products_in_parts(self, x: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
        self.flat.write(x)
        return self.flat.join(self.loss.product(self.flat.variables, self.flat.split(vector)))  # type: ignore[attr-defined]

    def _in_parts(self, whole: Callable[[list[Any]], tuple[Any, list[Any]]]) -> Callable[[tf.Tensor], Any]:
        def evaluate(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            self.flat.write(x)
            loss, gradients = whole(self.flat.variables)
            return tf.cast(loss, tf.float64), self.flat.join(gradients)

        return evaluate
