"""Methods of Keras's optimizer that a subclass may override: those called here. Others are refused at class creation.

`apply` does the whole step itself, so many methods that Keras's `apply` calls are never called. Their names are derived
from Keras's class: all that are not in `CALLED`, including those of later releases.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from tfoptim.declaration.fields import Field
from tfoptim.declaration.reached import unreached

CALLED = frozenset(
    {
        *("_api_export_path", "_api_export_symbol_id"),  # marks of `keras_export`, not methods
        *("apply", "apply_gradients", "build", "scale_loss", "finalize_variable_values", "exclude_from_weight_decay"),
        *("get_config", "from_config", "_obj_type", "_unpickle_model", "_check_super_called"),
        *("variables", "set_weights", "save_own_variables", "load_own_variables"),
        *("add_variable", "_track_variable", "_untrack_variable", "_var_key", "_get_variable_index"),
        *("assign", "_overwrite_variables_directly_with_gradients"),
        *("learning_rate", "stateless_apply"),  # a field, checked below; and never called with TensorFlow
    }
)
"""Methods that tfoptim or Keras calls on an optimizer of tfoptim."""

CALLED_OF_LOSS_SCALE = CALLED - {"assign"} | {"iterations"}
"""The same for a `LossScaleOptimizer`."""

_RULE = "define direction(h, g, w, s), or step(h, g, w, s) for the new weights"
_SLOTS = "declare `slots`"
_GRADIENTS = "change the gradients in apply(grads, trainable_variables) and pass them to super().apply"
_CLIP = "give clipnorm, clipvalue or global_clipnorm, or clip in apply(grads, trainable_variables) before super().apply"
_DECAY = "give weight_decay and call exclude_from_weight_decay, or take the decay off in step(h, g, w, s)"
_AVERAGE = "give use_ema, ema_momentum and ema_overwrite_frequency"
_LOOP = "compute gradients with tf.GradientTape and call apply(grads, trainable_variables)"

INSTEAD: Mapping[str, str] = {
    "update_step": _RULE,
    "_backend_update_step": _RULE,
    "_distributed_tf_update_step": _RULE,
    "_backend_apply_gradients": _GRADIENTS,
    "_all_reduce_sum_gradients": _GRADIENTS,
    "_filter_empty_gradients": _GRADIENTS,
    "_check_variables_are_known": "check them in apply(grads, trainable_variables) before super().apply",
    "_clip_gradients": _CLIP,
    "_clip_by_norm": _CLIP,
    "_apply_weight_decay": _DECAY,
    "_use_weight_decay": "call exclude_from_weight_decay(var_list, var_names)",
    "_update_model_variables_moving_average": _AVERAGE,
    "_overwrite_model_variables_with_average_value": _AVERAGE,
    "_overwrite_variable_with_gradient": "set overwrite_with_gradient on the variable",
    "_get_current_learning_rate": "give learning_rate a LearningRateSchedule, or change h.learning_rate in once(h, s)",
    "iterations": "read h.t, the number of the step, in direction, step or once",
    "_backend_increment_gradient_accumulators": "give gradient_accumulation_steps",
    "_backend_reset_gradient_accumulators": "give gradient_accumulation_steps",
    "assign_add": "define assign(variable, value), through which every write goes",
    "assign_sub": "define assign(variable, value), through which every write goes",
    "add_variable_from_reference": _SLOTS,
    "add_optimizer_variables": _SLOTS,
    # Of the optimizers before Keras 3
    "minimize": f"fit never calls it either; {_LOOP}, or use another name",
    "compute_gradients": _LOOP,
    "_compute_gradients": _LOOP,
    "get_gradients": _LOOP,
    "get_updates": _RULE,
    "apply_dense": _RULE,
    "_apply_dense": _RULE,
    "_apply_sparse": _RULE,
    "_resource_apply_dense": _RULE,
    "_resource_apply_sparse": _RULE,
    "_resource_apply_sparse_duplicate_indices": _RULE,
    "_prepare": "define once(h, s)",
    "_prepare_local": "define once(h, s)",
    "_create_slots": _SLOTS,
    "_create_all_weights": _SLOTS,
    "_aggregate_gradients": _GRADIENTS,
    "_transform_gradients": _GRADIENTS,
    "_transform_unaggregated_gradients": _GRADIENTS,
}
"""Method that is never called -> what to do instead."""

OWN = frozenset({"numbers", "now", "given", "knows", "schedules"})
"""Public names of tfoptim that every step reads."""

RULE = {
    **dict.fromkeys(("direction", "step", "measure"), ("h", "g", "w", "s")),
    **dict.fromkeys(("once", "decay_of"), ("h", "s")),
}
"""Methods of a rule, with the arguments they are called with."""


_TAKEN = "is reserved by tfoptim; choose another name."


@functools.cache
def uncalled(base: type) -> frozenset[str]:
    """Returns the names that subclasses of Keras's class `base` may not define."""
    scaled = base is keras.optimizers.LossScaleOptimizer
    of_keras = {name for cls in base.__mro__ if _package(cls) == "keras" for name in vars(cls) if not _special(name)}
    return frozenset((of_keras | INSTEAD.keys()) - (CALLED_OF_LOSS_SCALE if scaled else CALLED))


def is_known(cls: type, base: type = keras.optimizers.Optimizer) -> bool:
    """Returns whether a class is of tfoptim, or a base of Keras's class `base`."""
    return cls.__module__.partition(".")[0] == "tfoptim" or cls in base.__mro__


def base_of(cls: type) -> type:
    """Returns the Keras class that `cls` derives from: `Optimizer` or `LossScaleOptimizer`."""
    scaled = keras.optimizers.LossScaleOptimizer in cls.__mro__
    base: type = keras.optimizers.LossScaleOptimizer if scaled else keras.optimizers.Optimizer
    return base


def check_class(cls: type) -> None:
    """Raises if a class or a mixin defines a method that is never called, or hides a field."""
    wrong = [f"{name}{_of(owner, cls)}" for name, owner in _definitions(cls, sorted(uncalled(base_of(cls))))]
    if wrong:
        raise TypeError(refusal(cls, wrong))
    fields: Mapping[str, Any] = getattr(cls, "fields", {})
    for name in [*(OWN & fields.keys()), *(name for name, _ in _definitions(cls, OWN))]:
        raise TypeError(f"{cls.__name__}: {name} {_TAKEN}")
    for name, owner in _definitions(cls, fields):
        raise TypeError(
            f"{cls.__name__}: {name}{_of(owner, cls)} would hide the argument {name}, and training would not see it; "
            f"declare another default as a field, `{name}: <domain of tfoptim.declaration> = <default>`, "
            "or give it to super().__init__."
        )
    for name, owner in _definitions(cls, RULE):
        _check_signature(cls, name, vars(owner)[name])
        if instead := unreached(cls, name):
            raise TypeError(f"{cls.__name__}: {name}{_of(owner, cls)} would never be called; {instead}.")


def check_assigned(cls: type, name: str, value: Any) -> None:
    """Raises if a method that is never called is assigned to an existing class or optimizer.

    Doubles of `unittest.mock` are allowed: a test that expects their call fails by itself.
    """
    if is_double(value):
        return
    if name in uncalled(base_of(cls)):
        raise TypeError(refusal(cls, [name]))
    if name in OWN and not is_known(cls):
        raise TypeError(f"{cls.__name__}: {name} {_TAKEN}")
    if name in RULE and (instead := unreached(cls, name)):
        raise TypeError(f"{cls.__name__}: {name} would never be called; {instead}.")


def refusal(cls: type, names: list[str]) -> str:
    """Returns the error message for methods that are never called, each `name` or `name of Mixin`."""
    instead = [INSTEAD.get(name.split(" ")[0], _RULE) for name in names]
    if base_of(cls) is keras.optimizers.LossScaleOptimizer:
        instead = ["define apply(grads, trainable_variables), or a rule for the inner optimizer"]
    return (
        f"{cls.__name__}: {', '.join(names)} would never be called, because apply does the whole step; "
        f"{'; '.join(dict.fromkeys(instead))}."
    )


def is_double(value: Any) -> bool:
    """Returns whether a value is a mock, also one that looks like a function."""
    return "unittest.mock" in (type(value).__module__, type(getattr(value, "mock", None)).__module__)


def redefines(optimizer: Any, name: str) -> bool:
    """Returns whether a user's class, a mixin or the optimizer itself overrides a method of Keras."""
    return name in vars(optimizer) or any(_definitions(type(optimizer), (name,)))


def formula(cls: type) -> type:
    """Returns the class that defines the formula of an optimizer class."""
    return next(c for c in cls.__mro__ if {"direction", "step", "of_matrix"} & vars(c).keys())


def rule_of(optimizer: Any) -> type | None:
    """Returns the class of the optimizer's formula, or None if a user has replaced part of the step."""
    cls = formula(type(optimizer))
    modules = {cls.__module__, *(vars(cls)[name].__module__ for name in ("direction", "step") if name in vars(cls))}
    replaced = len(modules) > 1 or redefines(optimizer, "assign")
    return None if replaced else cls


def check_cautious(cls: type, cautious: bool) -> None:
    """Raises if `cautious` would act on nothing, because a rule has no direction to mask."""
    owner = next(c for c in cls.__mro__ if "step" in vars(c))
    if cautious and owner.__module__ != "tfoptim.optimizer":
        raise ValueError(
            f"{cls.__name__}: cautious must be False, because the rule has no direction: its step is not learning_rate "
            "times one."
        )


def _definitions(cls: type, names: Any) -> Iterator[tuple[str, type]]:
    """Yields each of `names` that is defined outside tfoptim and Keras's base class, with its class."""
    for name in names:
        owner = next((c for c in cls.__mro__ if name in vars(c)), None)
        if owner is None or is_known(owner, base_of(cls)):
            continue
        if not isinstance(vars(owner)[name], Field) and not is_double(vars(owner)[name]):
            yield name, owner


def _check_signature(cls: type, name: str, method: Any) -> None:
    """Raises unless a rule's method accepts its arguments."""
    wanted = RULE[name]
    bound = method.__get__(cls, cls) if hasattr(method, "__get__") else method  # any instance will do
    try:
        inspect.signature(bound).bind(*wanted)
    except TypeError:
        plain = method if inspect.isfunction(method) else bound
        shown = str(inspect.signature(plain)) if callable(bound) else f" of type {type(method).__name__}"
        hint = f"; to take a step, {_LOOP}" if name == "step" else ""
        raise TypeError(
            f"{cls.__name__}: {name} must be a method {name}(self, {', '.join(wanted)}), got {name}{shown}{hint}."
        ) from None


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _of(owner: type, cls: type) -> str:
    return "" if owner is cls else f" of {owner.__name__}"
