"""Reporting of non-finite gradients to a loss-scaling wrapper, tfoptim's or Keras's."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfoptim.variables import local, raw

Judge = Callable[[Any, tf.Tensor], None]
"""Called in cross-replica context, with the strategy and whether all gradients of all replicas are finite."""


def adjust(strategy: Any, wrapper: Any, finite: tf.Tensor) -> None:
    """Doubles a loss scale after enough finite steps, and halves it after a non-finite one."""
    counter, scale = raw(wrapper.step_counter), raw(wrapper.dynamic_scale)
    steps, factor = local(strategy, counter) + 1, tf.convert_to_tensor(local(strategy, scale))
    grown = tf.equal(steps, wrapper.dynamic_growth_steps)
    new_steps = tf.where(tf.logical_or(grown, tf.logical_not(finite)), tf.zeros_like(steps), steps)
    new_scale = tf.where(finite, tf.where(grown, 2 * tf.minimum(factor, 2.0**126), factor), factor / 2)
    strategy.extended.update(counter, lambda v: v.assign(new_steps), group=False)
    strategy.extended.update(scale, lambda v: v.assign(new_scale), group=False)


def of_keras(optimizer: Any) -> Judge | None:
    """Returns the function that corrects Keras's loss scale, which checks the first replica only, or None.

    `compile` under mixed_float16 puts an optimizer into Keras's own wrapper, which asks the first replica alone whether
    its gradients are finite. An optimizer does not know its wrapper; but the wrapper calls it, so it is among the
    callers. One replica needs none of this: it is the first.
    """
    if tf.distribute.get_replica_context().num_replicas_in_sync == 1:
        return None
    wrapper = caller(optimizer)
    if wrapper is None:
        return None
    if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
        warnings.warn(
            "Keras's LossScaleOptimizer lets each worker decide by itself whether gradients are finite; one may then "
            "wait for another that has skipped the step. Compile with tfoptim.LossScaleOptimizer(optimizer).",
            stacklevel=2,
        )
    return lambda strategy, finite: _correct(strategy, wrapper, finite)


def caller(optimizer: Any) -> Any:
    """Returns Keras's loss scale around an optimizer, if one is calling it."""
    frame = inspect.currentframe()
    while frame is not None:
        found: Any = frame.f_locals.get("self")
        if isinstance(found, keras.optimizers.LossScaleOptimizer) and found.inner_optimizer is optimizer:
            return found
        frame = frame.f_back
    return None


def _correct(strategy: Any, wrapper: Any, finite: tf.Tensor) -> None:
    """Halves the scale of a wrapper that took this step for finite, and will count one more step."""
    counter, scale = raw(wrapper.step_counter), raw(wrapper.dynamic_scale)
    steps, factor = (tf.convert_to_tensor(local(strategy, v)) for v in (counter, scale))
    new_steps, new_scale = tf.where(finite, steps, -tf.ones_like(steps)), tf.where(finite, factor, factor / 2)
    strategy.extended.update(counter, lambda v: v.assign(new_steps), group=False)
    strategy.extended.update(scale, lambda v: v.assign(new_scale), group=False)
