"""Eager calls of a step through a cached tf.function, as fast as in a compiled training loop.

Which variables have a gradient may change from call to call: with mixtures of experts, branches taken by chance, blocks
of variables in turn. The first few patterns get a function each. All others share one that is given every variable, and
of each whether it has a gradient: some conditionals slower, but traced once.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfoptim.step import gradients as stages
from tfoptim.step import pipeline
from tfoptim.step.verdict import Judge
from tfoptim.variables import is_float

PATTERNS = 3
"""Patterns of missing gradients that get a function of their own: a loop with a fixed order of them has few."""

FUNCTIONS = 16
"""Functions kept; the one that has not been used for longest goes first."""


def run(
    optimizer: Any,
    grads: Sequence[Any],
    variables: Sequence[Any] | None,
    scale: Any = None,
    judge: Judge | None = None,
) -> None:
    """Runs `pipeline.run`; in eager calls on one device, through a function traced once."""
    eagerly = tf.config.functions_run_eagerly() or optimizer._runtime.restless
    if not tf.executing_eagerly() or eagerly or tf.distribute.has_strategy():
        pipeline.run(optimizer, grads, variables, scale, judge)
        return
    grads, variables = pipeline.match(optimizer, grads, variables)
    code = [*optimizer.schedules(), *(getattr(v, "constraint", None) for v in variables)]
    if not all(map(_can_be_traced, code)):
        pipeline.run(optimizer, grads, variables, scale, judge)
        return
    functions = optimizer._runtime.eager
    kinds = tuple(map(_kind, grads))
    pattern = (tuple(map(id, variables)), kinds)
    key = (pattern, _identity(code), id(scale), judge)
    if key not in functions and _has_many(functions, key) and _can_share(optimizer, grads, variables):
        _run_shared(optimizer, grads, variables, scale, judge)
        return
    if any(isinstance(g, tf.IndexedSlices) for g in grads):
        # Traced for any number of rows, and then TensorFlow lets the shapes of the others pass as well.
        stages.check(*pipeline.with_gradient(grads, variables))
    step = _kept(functions, key, code, lambda: _step(optimizer, kinds, variables, scale, judge))
    with tf.init_scope():  # updates are not differentiable
        step([g for g in grads if g is not None])


def _step(optimizer: Any, kinds: Sequence[Any], variables: Sequence[Any], scale: Any, judge: Any) -> Any:
    def step(given: list[Any]) -> None:
        gradients = iter(given)
        grads = [None if kind is None else next(gradients) for kind in kinds]
        pipeline.run(optimizer, grads, variables, scale, judge)

    sparse = any(kind is not None and len(kind) > 1 for kind in kinds)
    # TensorFlow warns of functions of one code that are often traced; each of these is a function of its own.
    return tf.function(functools.partial(step), autograph=False, reduce_retracing=sparse)


def _kept(functions: OrderedDict[Any, Any], key: Any, code: list[Any], make: Callable[[], Any]) -> Any:
    """Returns the function for `key`, created if missing; the least recently used one is dropped."""
    if key not in functions:
        # With what the key names: an identity is another object's once its own has gone.
        functions[key] = make(), code
        if len(functions) > FUNCTIONS:
            functions.popitem(last=False)
    functions.move_to_end(key)
    return functions[key][0]


def _can_be_traced(code: Any) -> bool:
    """Returns whether schedules and constraints are known to be pure TensorFlow; users' own may not be."""
    is_known = code is None or type(code).__module__.split(".")[0] in ("keras", "tfoptim")
    return is_known and (code is None or _can_be_traced(getattr(code, "schedule", None)))


def _identity(code: list[Any]) -> tuple[Any, ...]:
    """Returns what tells schedules and constraints apart: the objects, and their arguments, which may be changed."""
    return (*map(id, code), *(str(one.get_config()) for one in code if one is not None))


def _kind(g: Any) -> Any:
    """Returns the properties that a trace depends on: dense or sparse, and the precision."""
    if isinstance(g, tf.IndexedSlices):
        return g.dtype, g.indices.dtype, None if g.dense_shape is None else g.dense_shape.dtype
    return None if g is None else (g.dtype,)


# One function for all patterns


def _has_many(functions: OrderedDict[Any, Any], key: Any) -> bool:
    """Returns whether there are too many patterns for one function each."""
    return bool(sum(other[1:] == key[1:] or other[2:] == key[2:] for other in functions) >= PATTERNS)


def _can_share(optimizer: Any, grads: Sequence[Any], variables: Sequence[Any]) -> bool:
    """Returns whether the shared function can take a step: on the optimizer's own variables, some without gradient."""
    own = optimizer._trainable_variables
    position = optimizer._get_variable_index
    return (
        (len(variables) < len(own) or any(g is None for g in grads))
        and all(v is own[position(v)] for v in variables)
        and not any(getattr(v, "overwrite_with_gradient", False) for v in own)
        and all(_can_be_traced(getattr(v, "constraint", None)) for v in own)
        and len(set(map(id, variables))) == len(variables)
    )


def _run_shared(optimizer: Any, grads: list[Any], variables: list[Any], scale: Any, judge: Any) -> None:
    """Takes the step through the shared function, which receives the presence of each gradient as input."""
    runtime = optimizer._runtime
    grads, variables = pipeline.drop_missing(optimizer, grads, variables, runtime.without_gradient)
    stages.check(grads, variables)
    own = [v for v in optimizer._trainable_variables if is_float(v)]
    given = dict(zip(map(id, variables), grads, strict=True))
    runtime.kinds.update({id_: _kind(g) for id_, g in given.items()})
    kinds = tuple(runtime.kinds.get(id(v), (tf.as_dtype(v.dtype),)) for v in own)
    code = [*optimizer.schedules(), *(getattr(v, "constraint", None) for v in own)]
    key = (("shared", kinds), _identity(code), id(scale), judge)
    step = _kept(runtime.eager, key, code, lambda: _shared(optimizer, own, kinds, scale, judge))
    sums = bool(optimizer.gradient_accumulation_steps)
    with tf.init_scope():
        step(
            tf.constant([id(v) in given for v in own]),
            [given[id(v)] if id(v) in given else _nothing(v, kind, sums) for v, kind in zip(own, kinds, strict=True)],
        )


def _shared(optimizer: Any, own: list[Any], kinds: tuple[Any, ...], scale: Any, judge: Any) -> Any:
    def step(present: tf.Tensor, grads: list[Any]) -> None:
        pipeline.run(optimizer, grads, own, scale, judge, tf.unstack(present, len(own)))

    specs = [_spec(v, kind) for v, kind in zip(own, kinds, strict=True)]
    return tf.function(step, [tf.TensorSpec([len(own)], tf.bool), specs], autograph=False)


def _spec(v: Any, kind: tuple[Any, ...]) -> Any:
    """Returns the shared function's input for a variable: a gradient of its shape, or an empty one."""
    if len(kind) == 1:
        any_shape: Any = None
        return tf.TensorSpec(any_shape, kind[0])
    return tf.IndexedSlicesSpec(v.shape, kind[0], kind[1], kind[2], [None])


def _nothing(v: Any, kind: tuple[Any, ...], zeros: bool) -> Any:
    """Returns the placeholder of a missing gradient: no rows, no elements, or zeros where it is accumulated."""
    if len(kind) == 1:
        return tf.zeros(v.shape, kind[0]) if zeros else _empty(kind[0])
    shape = None if kind[2] is None else tf.constant(v.shape, kind[2])
    return tf.IndexedSlices(tf.zeros([0, *v.shape[1:]], kind[0]), tf.zeros([0], kind[1]), shape)


@functools.cache
def _empty(dtype: tf.DType) -> tf.Tensor:
    return tf.zeros([0], dtype)
