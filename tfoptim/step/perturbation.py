"""Weights moved up the gradient while a second gradient is taken, and put back to the last bit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfoptim.step.derivatives import in_replica
from tfoptim.step.gradients import on_values, prepare, sum_of_squares, sum_rows, tensor
from tfoptim.step.pipeline import reduce
from tfoptim.variables import local, raw

TINY = 1e-12
"""Added to the norm, as in public implementations, so that a zero gradient moves nothing."""


@contextlib.contextmanager
def perturbed(variables: Sequence[Any], gradients: Sequence[Any], rho: Any, adaptive: bool) -> Iterator[tf.Tensor]:
    """Moves the weights to the worst point nearby, and afterwards assigns them the copies made before.

    e = rho * g / (||g|| + tiny), adaptive e = rho * w^2 * g / (|| |w| * g || + tiny), with one norm over all variables
    and the gradients of all replicas, which are summed first: mirrored weights stay mirrored. A loss scale on the
    gradients cancels.

    Args:
        variables: those with a gradient are moved; the others stay.
        gradients: one per variable, dense or sparse, or None.
        rho: scalar tensor, the length of the move.
        adaptive: whether each weight moves in proportion to its size.

    Yields:
        Whether the norm is finite, a boolean scalar; if not, the weights have not moved.
    """
    replica = in_replica()
    moved = [v for v, g in zip(variables, gradients, strict=True) if _takes_part(v, g)]
    ascent = [prepare(tensor(g), v, None) for v, g in zip(variables, gradients, strict=True) if _takes_part(v, g)]
    alone = replica.num_replicas_in_sync == 1
    before = [_copy(v, g if alone else None) for v, g in zip(moved, ascent, strict=True)]
    finite = replica.merge_call(
        lambda strategy, ascent: _climb(strategy, moved, ascent, rho, adaptive),
        args=(ascent,),
    )
    try:
        yield finite
    finally:
        replica.merge_call(lambda strategy, before: _assign(strategy, moved, before), args=(before,))


def poisoned(g: Any, v: Any, finite: tf.Tensor) -> Any:
    """Returns a gradient, NaN unless what it goes with is finite: then `nonfinite` or the loss scale decides."""
    if not _takes_part(v, g):
        return g
    return on_values(tensor(g), lambda x: x + tf.cast(tf.where(finite, 0.0, float("nan")), x.dtype))


def _takes_part(variable: Any, gradient: Any) -> bool:
    """Returns whether a variable has a gradient; the "gradient" of a float8 scale is its new value."""
    return gradient is not None and not getattr(variable, "overwrite_with_gradient", False)


def _copy(variable: Any, gradient: Any) -> Any:
    """Returns the weights: of the touched rows if the gradient has only those, and no other replica has others."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(tf.gather(raw(variable), gradient.indices), gradient.indices, gradient.dense_shape)
    return tf.identity(raw(variable))


def _climb(strategy: Any, variables: list[Any], gradients: list[Any], rho: Any, adaptive: bool) -> tf.Tensor:
    """Adds the perturbation on every device; returns whether its norm is finite."""
    gradients = reduce(strategy, gradients, variables)
    pairs = [(_once(local(strategy, g)), local(strategy, raw(v))) for g, v in zip(gradients, variables, strict=True)]
    squares = [sum_of_squares(_weighted(g, w, abs) if adaptive else g) for g, w in pairs]
    widest = max((s.dtype for s in squares), key=lambda dtype: dtype.size, default=tf.float32)
    norm = tf.sqrt(sum((tf.cast(s, widest) for s in squares), start=tf.zeros((), widest)))
    finite = norm <= norm.dtype.max
    scale = tf.cast(rho, norm.dtype) / (norm + TINY)

    def add(w: Any, g: Any) -> None:
        g = _once(g)
        g = _weighted(g, w, tf.square) if adaptive else g
        _put(w, on_values(g, lambda x: _moved(_rows(w, g), x, scale, finite)))

    for v, g in zip(variables, gradients, strict=True):
        strategy.extended.update(raw(v), add, args=(g,), group=False)
    return finite


def _once(g: Any) -> Any:
    """Returns a gradient with each row once: replicas may have touched the same."""
    return sum_rows(g) if isinstance(g, tf.IndexedSlices) else g


def _rows(w: Any, g: Any) -> tf.Tensor:
    """Returns the weights that a gradient touches."""
    return tf.gather(w, g.indices) if isinstance(g, tf.IndexedSlices) else tf.convert_to_tensor(w)


def _weighted(g: Any, w: Any, size: Any) -> Any:
    """Returns a gradient times a function of the weights, in the gradient's precision."""
    return on_values(g, lambda x: x * size(tf.cast(_rows(w, g), x.dtype)))


def _moved(w: tf.Tensor, g: tf.Tensor, scale: tf.Tensor, finite: tf.Tensor) -> tf.Tensor:
    """Returns `w + scale * g`, computed in the gradient's precision, or `w` unless the norm is finite."""
    return tf.where(finite, tf.cast(tf.cast(w, g.dtype) + tf.cast(scale, g.dtype) * g, w.dtype), w)


def _assign(strategy: Any, variables: list[Any], values: list[Any]) -> None:
    for v, value in zip(variables, values, strict=True):
        strategy.extended.update(raw(v), _put, args=(value,), group=False)


def _put(variable: Any, value: Any) -> None:
    """Assigns all weights, or some rows."""
    variable.scatter_update(value) if isinstance(value, tf.IndexedSlices) else variable.assign(value)
