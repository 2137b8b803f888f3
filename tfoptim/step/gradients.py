"""Stages of a step from gradients to gradients, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfoptim.ops import ratio
from tfoptim.scalar import Scalar
from tfoptim.update.context import sum_rows, trains
from tfoptim.update.kernels import native
from tfoptim.variables import compute_dtype, is_float, path, raw

Present = Sequence[tf.Tensor | None]
"""Whether each variable takes part in a step: booleans that are known when it runs, or None: it does."""


def tensor(g: Any) -> Any:
    """Returns a gradient as a tensor or IndexedSlices of tensors; accepts NumPy arrays and lists."""
    if not isinstance(g, tf.IndexedSlices):
        return tf.convert_to_tensor(g)
    shape = None if g.dense_shape is None else tf.convert_to_tensor(g.dense_shape)
    return tf.IndexedSlices(tf.convert_to_tensor(g.values), tf.convert_to_tensor(g.indices), shape)


def check(grads: list[Any], variables: list[Any]) -> None:
    """Raises for gradients that do not fit their variable, and for variables given twice."""
    seen: set[int] = set()
    for g, v in zip(grads, variables, strict=True):
        if id(v) in seen:
            raise ValueError(f"Variable {path(v)} is given twice.")
        seen.add(id(v))
        if not is_float(v):
            raise TypeError(f"{path(v)} must be a float variable to be trained, got dtype {tf.as_dtype(v.dtype).name}.")
        if not g.dtype.is_floating:
            raise TypeError(f"The gradient of {path(v)} must be a float tensor, got dtype {g.dtype.name}.")
        sparse = isinstance(g, tf.IndexedSlices)
        wanted, got = (v.shape[1:], g.values.shape[1:]) if sparse else (v.shape, g.shape)
        if not tf.TensorShape(wanted).is_compatible_with(got):
            raise ValueError(
                f"The gradient of {path(v)} must have the variable's shape {tuple(wanted)}, got {tuple(got)}"
                f"{' per row' if sparse else ''}."
            )
        shape = None if not sparse or g.dense_shape is None else tf.get_static_value(g.dense_shape)
        if shape is not None and tuple(shape) != tuple(v.shape):
            raise ValueError(
                f"The gradient of {path(v)} must have the variable's shape {tuple(v.shape)} as its dense_shape, got "
                f"{tuple(map(int, shape))}."
            )
        if sparse and not g.indices.shape.is_compatible_with(g.values.shape[:1]):
            raise ValueError(
                f"The gradient of {path(v)} must have one index for each of its rows, got indices of shape "
                f"{tuple(g.indices.shape)} and {g.values.shape[0]} rows."
            )


def prepare(g: Any, v: Any, scale: Any, repeated: bool = False) -> Any:
    """Returns the gradient in compute precision, repeated rows summed unless they may stay, the loss scale divided out.

    A sparse gradient without a shape gets the variable's, so that it can become dense. Where there are other replicas,
    always a new tensor: one that two replicas share would count once in the reduction.
    """
    dtype = compute_dtype(v.dtype)
    if isinstance(g, tf.IndexedSlices):
        shape = tf.constant(tuple(v.shape), g.indices.dtype) if g.dense_shape is None else g.dense_shape
        g = tf.IndexedSlices(tf.cast(g.values, dtype), g.indices, shape)
        g = g if repeated else sum_rows(g)
    else:
        alone = tf.distribute.get_replica_context().num_replicas_in_sync == 1
        g = tf.cast(g, dtype) if alone else tf.identity(tf.cast(g, dtype))
    return g if scale is None else unscaled(g, scale)


def unscaled(g: Any, scale: Any) -> Any:
    """Returns a gradient divided by the loss scale, in compute precision, where small numbers do not vanish."""
    dtype = compute_dtype(g.dtype)
    return on_values(g, lambda values: tf.cast(values, dtype) / tf.cast(scale, dtype))


def on_values(g: Any, function: Any) -> Any:
    """Applies a function to the values of a dense or sparse gradient."""
    if isinstance(g, tf.IndexedSlices):
        return tf.IndexedSlices(function(g.values), g.indices, g.dense_shape)
    return function(g)


def drop_frozen(
    optimizer: Any, grads: list[Any], variables: list[Any], present: Present | None
) -> tuple[list[Any], Present | None]:
    """Replaces the gradients of variables that their group does not train, and says that they have none."""
    flags = [trains(optimizer, v) for v in variables]
    if all(flag is None for flag in flags):
        return grads, present
    kept = [
        g if flag is None else on_values(g, lambda x, flag=flag: tf.where(flag, x, tf.zeros_like(x)))
        for g, flag in zip(grads, flags, strict=True)
    ]
    both = zip(flags, present or [None] * len(flags), strict=True)
    return kept, [there if flag is None else flag if there is None else flag & there for flag, there in both]


def all_finite(grads: list[Any]) -> tf.Tensor:
    """Returns whether all gradients are finite; a NaN of any replica is in the sum. TFLite has no `is_finite`."""
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
    return tf.reduce_all(tf.stack([tf.reduce_all(tf.abs(v) <= v.dtype.max) for v in values]))


def centralize(g: Any) -> Any:
    """Subtracts the mean over all axes but the last, which is the unit's in Keras's layout; vectors are left alone.

    A sparse gradient too: its rows belong to an embedding, which has no units.
    """
    if isinstance(g, tf.IndexedSlices) or g.shape.rank < 2:
        return g
    return g - tf.reduce_mean(g, _all_but_last(g), keepdims=True)


def clip_adaptively(g: Any, v: Any, agc: Scalar) -> Any:
    """Shrinks the gradient of each unit so that its norm becomes at most `agc` times that of the unit's weights.

    Raises:
        ValueError: the gradient is sparse: units of an embedding are its rows.
    """
    if isinstance(g, tf.IndexedSlices):
        raise ValueError(
            f"agc cannot clip the sparse gradient of {path(v)}; leave the variable out, "
            f"groups={{{path(v)!r}: {{'agc': None}}}}."
        )
    weights = tf.cast(tf.convert_to_tensor(raw(v)), g.dtype)
    limit = agc.cast(g.dtype) * tf.maximum(_norm_of_units(weights), 1e-3)
    return g * tf.minimum(limit / tf.maximum(_norm_of_units(g), 1e-6), 1)


def _norm_of_units(x: tf.Tensor) -> tf.Tensor:
    """Returns the 2-norm of each unit; a number or a vector is one unit."""
    return tf.sqrt(tf.reduce_sum(tf.square(x), _all_but_last(x) if x.shape.rank > 1 else None, keepdims=True))


def _all_but_last(x: tf.Tensor) -> list[int]:
    return list(range(x.shape.rank - 1))


def clip(optimizer: Any, h: Any, grads: list[Any], variables: list[Any]) -> tuple[list[Any], list[tf.Tensor | None]]:
    """Clips by value, by each variable's norm, or by the norm of all gradients together.

    Returns:
        The gradients, and of each the factor by which it is still to be multiplied, None for 1.
    """
    factors: list[tf.Tensor | None] = [None] * len(grads)
    if h.clipvalue is not None:
        return [
            on_values(
                g,
                lambda x: tf.clip_by_value(x, -h.clipvalue.cast(x.dtype), h.clipvalue.cast(x.dtype)),
            )
            for g in grads
        ], factors
    if h.clipnorm is not None:
        squares = sums_of_squares(h, grads, variables)
        factors = [factor_to(tf.sqrt(s), h.clipnorm) for s in squares]
    elif h.global_clipnorm is not None:
        squares = sums_of_squares(h, grads, variables)
        widest = max((s.dtype for s in squares), key=lambda dtype: dtype.size)
        norm = tf.sqrt(tf.add_n([tf.cast(s, widest) for s in squares]))
        factors = [factor_to(norm, h.global_clipnorm)] * len(grads)
    return grads, factors


def sums_of_squares(h: Any, grads: list[Any], variables: list[Any]) -> list[tf.Tensor]:
    """Returns the squared 2-norm of each gradient, a scalar; by one operation where it can."""
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
    if native.sums_squares(h, variables):
        return native.sums_of_squares(values)
    return [sum_of_squares(x) for x in values]


def sum_of_squares(g: Any) -> tf.Tensor:
    """Returns the squared 2-norm of a gradient, a scalar in its precision."""
    return 2 * tf.nn.l2_loss(g.values if isinstance(g, tf.IndexedSlices) else g)  # one pass, and 2 is exact


def factor_to(norm: tf.Tensor, limit: Scalar) -> tf.Tensor:
    """Returns the factor by which `norm` becomes at most `limit`; an infinite norm gives NaN, not a silent zero."""
    most = limit.cast(norm.dtype)
    return ratio(most, tf.maximum(norm, most)) + (norm - norm)
