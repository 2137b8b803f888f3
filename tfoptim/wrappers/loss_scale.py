"""Dynamic loss scaling for half precision, with one finite check over all variables and replicas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import tensorflow as tf

from tfoptim.declaration.domains import Integer, Interval, as_float
from tfoptim.declaration.guard import Guarded
from tfoptim.declaration.overrides import redefines
from tfoptim.declaration.presentation import call
from tfoptim.saving import loading
from tfoptim.saving.copies import state_of
from tfoptim.saving.layout import LOSS_SCALE
from tfoptim.step import cached_step, derivatives, verdict
from tfoptim.step.gradients import tensor, unscaled
from tfoptim.variables import listed
from tfoptim.wrappers.inside import check_optimizer, is_argument, is_of_inner, leave_to_inner

_AVERAGED_INSIDE = {"use_ema": False, "gradient_accumulation_steps": None}
"""What Keras's `build` finds on the wrapper, so that it makes no averages and sums of its own."""


def _whole(what: str, value: Any) -> int:
    """Returns a number of steps; as in Keras, 2000.0 is one."""
    number = as_float(what, value, schedulable=False)
    return _STEPS.parse(what, int(number) if number.is_integer() else number)  # type: ignore[no-any-return]


_STEPS = Integer(1, required=True)
_SCALE = Interval(0.0, 2.0**127, closed_low=False, closed_high=True, schedulable=False)
_OWN: Mapping[str, Callable[[str, Any], Any]] = {"initial_scale": _SCALE.parse, "dynamic_growth_steps": _whole}
"""Arguments of the wrapper -> the check of a value."""


@keras.saving.register_keras_serializable(package="tfoptim")
class LossScaleOptimizer(Guarded, keras.optimizers.LossScaleOptimizer):
    """Scales the loss so that small half-precision gradients do not become zero (Micikevicius et al., 2018).

    A drop-in for Keras's class, which checks the gradients of the first replica only: here, a NaN or infinity on any
    replica skips the step on all replicas and halves the scale. After `dynamic_growth_steps` consecutive finite steps
    the scale doubles. With gradient accumulation, the check covers the whole cycle.

    Args:
        inner_optimizer: an optimizer of tfoptim; its arguments, such as `clipnorm`, can be set on either of the two.
        initial_scale: factor on the loss at the start, > 0.
        dynamic_growth_steps: finite steps before the scale doubles, >= 1.
        name: of the optimizer.

    Raises:
        TypeError: `inner_optimizer` is not an optimizer of tfoptim, or an argument is no number.
        ValueError: a number is out of its range.

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
        check_optimizer("LossScaleOptimizer", "inner_optimizer", inner_optimizer)
        if inner_optimizer.nonfinite == "raise":
            raise ValueError("LossScaleOptimizer: nonfinite='raise' never acts inside, where such steps are skipped.")
        super().__init__(inner_optimizer, initial_scale, dynamic_growth_steps, name, **kwargs)
        leave_to_inner(self)

    def __getattr__(self, name: str) -> Any:
        """Returns an argument of the inner optimizer, or a method of its that excludes variables."""
        inner = vars(self).get("inner_optimizer")
        return getattr(inner, name) if inner is not None and is_of_inner(inner, name) else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        inner = vars(self).get("inner_optimizer")
        if name in _OWN:
            value = _OWN[name](f"{type(self).__name__}: {name}", value)
            if vars(self).get("built") and value != getattr(self, name):
                raise ValueError(
                    f"{type(self).__name__}: {name} cannot change once the optimizer is built; "
                    f"{'call dynamic_scale.assign' if name == 'initial_scale' else 'make a new optimizer'}."
                )
        if name == "loss_scale_factor" and value is not None and inner is not None:
            raise ValueError(
                f"{type(self).__name__}: loss_scale_factor must be None, because the scale is dynamic; call "
                "dynamic_scale.assign."
            )
        if inner is not None and is_argument(inner, name):
            setattr(inner, name, value)
        else:
            super().__setattr__(name, value)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Excludes variables from the weight decay of the inner optimizer; arguments and errors are its own."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Takes or skips one step of the inner optimizer, and adjusts the scale.

        Raises:
            ValueError: the optimizer is not built, and no variables are given.
        """
        if not len(grads):
            return
        if not self.built:
            if trainable_variables is None:
                raise ValueError(
                    f"{self.name} is not built: pass the variables to `apply`, or call `build(variables)`."
                )
            with tf.init_scope():
                self.build(list(trainable_variables))
            self.built: bool = True
        inner, scale = self.inner_optimizer, self.dynamic_scale.value
        if not redefines(inner, "apply") and not inner._assigns_itself():
            inner._check_takes_steps()
            derivatives.claim(inner)
            cached_step.run(inner, grads, trainable_variables, scale=scale, judge=self._adjust)
            return
        inner._runtime.judge = self._adjust
        try:
            inner.apply([None if g is None else unscaled(tensor(g), scale) for g in grads], trainable_variables)
        finally:
            inner._runtime.judge = None

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss multiplied by the present scale, which a copy or a loaded optimizer has before `build`, too.

        Args:
            loss: a scalar.
        """
        waiting = vars(self).get("_waiting_scale", {}).get("dynamic_scale", self.initial_scale)
        return keras.ops.multiply(loss, self.dynamic_scale if self.built else waiting)

    def gradients(self, loss: Any, variables: Sequence[Any]) -> list[Any]:
        """Returns the gradients for `apply`, as the inner optimizer takes them, multiplied by the loss scale.

        Args:
            loss: returns the scalar loss, not scaled.
            variables: to differentiate with respect to.
        """
        if not self.built:
            self.build(list(variables))
        return derivatives.gradients_within(self, self.inner_optimizer, loss, variables)

    @property
    def averages(self) -> bool:
        """Whether the inner optimizer has weights for evaluation other than those it trains."""
        return bool(self.inner_optimizer.averages)

    def average_weights(self, variables: Sequence[Any]) -> list[Any]:
        """Returns the weights for evaluation as the inner optimizer has them, tensors.

        Args:
            variables: that the optimizer was built for.

        Raises:
            ValueError: the inner optimizer keeps no average.
        """
        return list(self.inner_optimizer.average_weights(variables))

    def averaged(self, variables: Sequence[Any]) -> AbstractContextManager[None]:
        """Returns the context of the inner optimizer, in which variables have their averaged weights.

        Args:
            variables: of which those are averaged that the optimizer trains.

        Raises:
            ValueError: the inner optimizer keeps no average.
        """
        return self.inner_optimizer.averaged(variables)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        defaults = {"inner_optimizer": None, "initial_scale": 2.0**15, "dynamic_growth_steps": 2000}
        given = {name: vars(self)[name] for name in defaults if name in vars(self)}
        return call(type(self).__name__, {name: x for name, x in given.items() if x != defaults[name]})

    def build(self, var_list: Any) -> None:
        """Creates the state for the variables, if any, with the loss scale loaded earlier.

        Raises:
            TypeError: `var_list` is no list of variables.
            ValueError: the optimizer is already built for other variables.
        """
        var_list = listed(f"{self.name}: build", var_list)
        if self.built or not var_list:
            self.inner_optimizer.build(var_list)  # refuses other variables; Keras would create a second scale
            return
        self.__dict__.update(_AVERAGED_INSIDE)
        super().build(var_list)
        leave_to_inner(self)
        with tf.init_scope():
            self._take_scale(self.__dict__.pop("_waiting_scale", {}))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Copies the optimizer with its state, as `Optimizer` does: for the same variables, or those in `memo`."""
        memo[id(self)] = copied = type(self).from_config(self.get_config())
        if self.built:
            copied.build([memo.get(id(v), v) for v in self.inner_optimizer._trainable_variables])
        copied.load_own_variables(state_of(self))
        return copied

    def save_own_variables(self, store: Any) -> None:
        """Writes the loss scale by name, then the state of the inner optimizer; called by Keras's saving."""
        scale = self.__dict__.get("_waiting_scale") or {"step_counter": 0, "dynamic_scale": self.initial_scale}
        if self.built:
            scale = {"step_counter": self.step_counter.numpy(), "dynamic_scale": self.dynamic_scale.numpy()}
        own = [v.numpy() for v in self._variables[:2]] + [scale[name] for name in LOSS_SCALE[2:]]
        inner: dict[str, Any] = {}
        self.inner_optimizer.save_own_variables(inner)
        named = all("." in key for key in inner)  # a pending state of Keras has no names
        for i, (name, value) in enumerate(zip(LOSS_SCALE, own, strict=True)):
            store[f"{i}.{self.name}.{name}" if named else f"{i}"] = value
        for key, value in inner.items():
            position, dot, name = key.partition(".")
            store[f"{int(position) + len(own)}{dot}{name}"] = value

    def load_own_variables(self, store: Any) -> None:
        """Reads the loss scale, the state of the inner optimizer, or both; called by Keras's loading.

        Raises:
            ValueError: the state is of another rule than the inner optimizer's.
        """
        saved = loading.load(self.inner_optimizer, store)
        if saved is not None and self.built:
            self._take_scale(saved.loss_scale)
        elif saved is not None:
            self.__dict__["_waiting_scale"] = saved.loss_scale

    def _take_scale(self, scale: Mapping[str, Any]) -> None:
        for name, value in scale.items():
            getattr(self, name).assign(value)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LossScaleOptimizer:
        """Creates an optimizer from a config, which is copied because Keras removes an entry."""
        return super().from_config(dict(config), custom_objects)  # type: ignore[no-any-return]

    def _adjust(self, strategy: Any, finite: tf.Tensor) -> None:
        verdict.adjust(strategy, self, finite)
