"""Dynamic loss scaling for half precision, with one verdict over all variables and replicas."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfoptim import eager
from tfoptim.base import Optimizer
from tfoptim.guard import Guarded
from tfoptim.overrides import redefines
from tfoptim.presentation import call
from tfoptim.stages import tensor, unscaled
from tfoptim.state import local, raw


@keras.saving.register_keras_serializable(package="tfoptim")
class LossScaleOptimizer(Guarded, keras.optimizers.LossScaleOptimizer):
    """Scales the loss so that small half-precision gradients do not become zero (Micikevicius et al., 2018).

    A drop-in for Keras's class, which looks at the gradients of the first replica only: here a NaN or infinity on any
    replica skips the step on all of them and halves the scale. After `dynamic_growth_steps` finite steps in a row
    the scale doubles. With gradient accumulation the verdict covers the whole cycle.

    Args:
        inner_optimizer: an optimizer of tfoptim; clipping, decay and averaging are set on it.
        initial_scale: factor on the loss at the start.
        dynamic_growth_steps: finite steps before the scale doubles.
        name: of the optimizer.

    Raises:
        TypeError: `inner_optimizer` is not an optimizer of tfoptim.

    >>> import tfoptim
    >>> optimizer = tfoptim.LossScaleOptimizer(tfoptim.Adam(), initial_scale=1024.0)
    >>> float(optimizer.scale_loss(2.0))
    2048.0
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                f"LossScaleOptimizer: inner_optimizer must be an optimizer of tfoptim, got "
                f"{type(inner_optimizer).__name__}. tfoptim.from_keras converts Keras's."
            )
        super().__init__(inner_optimizer, initial_scale, dynamic_growth_steps, name, **kwargs)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Takes one step of the inner optimizer, or skips it, and adjusts the scale.

        Raises:
            ValueError: the optimizer is not built, and no variables are given.
        """
        if not len(grads):
            return
        if not self.built:
            if trainable_variables is None:
                raise ValueError(f"{self.name} is not built: give `apply` the variables, or call `build(variables)`.")
            with tf.init_scope():
                self.build(list(trainable_variables))
            self.built: bool = True
        inner, scale = self.inner_optimizer, self.dynamic_scale.value
        if not any(redefines(inner, name) for name in ("apply", "assign")):
            eager.run(inner, grads, trainable_variables, scale=scale, judge=self._adjust)
            return
        inner.__dict__["_judge"] = self._adjust
        inner.apply([None if g is None else unscaled(tensor(g), scale) for g in grads], trainable_variables)

    def __repr__(self) -> str:
        defaults = {"inner_optimizer": None, "initial_scale": 2.0**15, "dynamic_growth_steps": 2000}
        given = {name: vars(self)[name] for name in defaults if name in vars(self)}
        return call(type(self).__name__, {name: x for name, x in given.items() if x != defaults[name]})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LossScaleOptimizer:
        """Makes an optimizer from what `get_config` returned, which stays as it is; Keras takes a part out of it."""
        return super().from_config(dict(config), custom_objects)  # type: ignore[no-any-return]

    def _adjust(self, strategy: Any, finite: tf.Tensor) -> None:
        """Doubles the scale after enough finite steps, halves it after one that is not; in cross-replica context."""
        counter, scale = raw(self.step_counter), raw(self.dynamic_scale)
        steps, factor = local(strategy, counter) + 1, tf.convert_to_tensor(local(strategy, scale))
        grown = tf.equal(steps, self.dynamic_growth_steps)
        new_steps = tf.where(tf.logical_or(grown, tf.logical_not(finite)), tf.zeros_like(steps), steps)
        new_scale = tf.where(finite, tf.where(grown, 2 * factor, factor), factor / 2)
        strategy.extended.update(counter, lambda v: v.assign(new_steps), group=False)
        strategy.extended.update(scale, lambda v: v.assign(new_scale), group=False)
