"""A step called eagerly: through a cached tf.function, as fast as in a compiled training loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfoptim import pipeline


def run(
    optimizer: Any,
    grads: Sequence[Any],
    variables: Sequence[Any] | None,
    scale: Any = None,
    judge: pipeline.Judge | None = None,
) -> None:
    """Does what `pipeline.run` does; called eagerly on one device, it traces the step once and then repeats it."""
    if not tf.executing_eagerly() or tf.config.functions_run_eagerly() or tf.distribute.has_strategy():
        pipeline.run(optimizer, grads, variables, scale, judge)
        return
    grads, variables = pipeline.match(optimizer, grads, variables)
    schedules = [x for x in optimizer.numbers().values() if callable(x)]
    code = [*schedules, *(getattr(v, "constraint", None) for v in variables)]
    if not all(map(_can_be_traced, code)):
        pipeline.run(optimizer, grads, variables, scale, judge)
        return
    had = optimizer._has_had_gradient
    present = tuple(g is not None for g in grads)
    before = tuple(optimizer._var_key(v) in had for v in variables) if optimizer.gradient_accumulation_steps else ()
    key = (tuple(map(id, variables)), present, before, tuple(map(id, code)), id(scale), judge)
    functions = optimizer.__dict__.setdefault("_eager", {})
    if key not in functions:
        # With what the key names: an identity is another object's once its own has gone.
        functions[key] = _step(optimizer, present, variables, scale, judge), code
    with tf.init_scope():  # no tape follows an update, and none could go back through it
        functions[key][0]([g for g in grads if g is not None])


def _step(optimizer: Any, present: Sequence[bool], variables: Sequence[Any], scale: Any, judge: Any) -> Any:
    def step(given: list[Any]) -> None:
        gradients = iter(given)
        grads = [next(gradients) if there else None for there in present]
        pipeline.run(optimizer, grads, variables, scale, judge)

    return tf.function(step, autograph=False, reduce_retracing=True)


def _can_be_traced(code: Any) -> bool:
    """Tells the schedules and constraints known to be TensorFlow throughout; those of users may look at numbers."""
    return code is None or type(code).__module__.split(".")[0] in ("keras", "tfoptim")
