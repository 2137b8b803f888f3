"""Base of optimizer classes: refuses definitions that would be ignored, and hides internals from `dir` and `help`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import keras

from tfoptim.declaration import overrides
from tfoptim.declaration.fields import OTHER_NAMES, hint

if TYPE_CHECKING:
    _Meta = type
else:
    _Meta = type(Protocol)  # so that a class may also derive from an abstract class or a protocol

SHOWN = frozenset(
    {
        *("__init__", "direction", "step", "measure", "once", "slots", "shared", "elementwise", "skips_zero_gradients"),
        *("apply", "apply_gradients", "gradients", "build", "finalize_variable_values", "scale_loss"),
        *("exclude_from_weight_decay", "exclude_from_layer_adaptation"),
        *("get_config", "from_config", "routing", "set_weights", "variables", "iterations", "d"),
    }
)
"""Names of the base classes shown by `help` and `dir`, in addition to arguments and names of user classes."""

_LOOP = "Compute gradients with tf.GradientTape and call apply(gradients, variables)."
HABITS = {
    "zero_grad": " Not needed: gradients come from a tf.GradientTape.",
    "minimize": f" {_LOOP}",
    "compute_gradients": f" {_LOOP}",
    "get_gradients": f" {_LOOP}",
    "get_updates": f" {_LOOP}",
    "param_groups": " Arguments are attributes, such as learning_rate.",
    "state_dict": " Save `variables`, or the model: model.save, keras.callbacks.ModelCheckpoint.",
    "load_state_dict": " Load the model: keras.models.load_model, model.load_weights.",
    "add_param_group": " Pass all variables to build(variables).",
    "get_slot": " See `variables`.",
    "weights": " See `variables`.",
    "get_weights": " See `variables`.",
    "lr": " See learning_rate.",
}
"""Attribute of other optimizers -> what to do here."""


class OptimizerClass(_Meta):
    """Metaclass of optimizers: checks later assignments to a class, and selects the names shown by `dir`."""

    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__

    def __setattr__(cls, name: str, value: Any) -> None:
        overrides.check_assigned(cls, name, value)
        super().__setattr__(name, value)

    def __dir__(cls) -> list[str]:
        bases = [c for c in cls.__mro__ if overrides.is_known(c)]
        users = {name for c in cls.__mro__ if c not in bases for name in vars(c)}
        shown = users | SHOWN | ({"averaged"} if getattr(cls, "own_average", False) else set())
        fields = getattr(cls, "fields", {})
        hidden = {name for c in bases if c is not object for name in vars(c)} | {"__annotations__", "fields"}
        return [name for name in super().__dir__() if name in shown or name in fields or name not in hidden]


class _Guarded(metaclass=OptimizerClass):
    """Base that refuses definitions that would be ignored, in a subclass or on an optimizer."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        overrides.check_class(cls)
        if "__init__" in vars(cls):
            cls.__init__ = _calling_base(vars(cls)["__init__"])  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "iterations" and not overrides.is_double(value):
            way_out = f": {_COUNTER if hasattr(getattr(self, name, None), 'assign') else _UPDATES}"
            raise AttributeError(f"{type(self).__name__}: iterations cannot be replaced{way_out}.")
        overrides.check_assigned(type(self), name, value)
        if name in overrides.RULE and "_lock" in vars(self):
            raise TypeError(
                f"{type(self).__name__}: {name} cannot be replaced on an optimizer; define it in a subclass."
            )
        known = getattr(self, "fields", ("learning_rate",))
        if name in OTHER_NAMES and name not in known and overrides.is_known(type(self)):
            raise AttributeError(f"{type(self).__name__} has no argument {name!r}.{hint(name, known)}")
        super().__setattr__(name, value)
        runtime = vars(self).get("_runtime")
        if runtime is not None and name not in known and not overrides.is_known(type(self)):
            runtime.forget()

    def __getattr__(self, name: str) -> Any:
        """Raises with a hint; called only for missing attributes."""
        if any(name in vars(cls) for cls in type(self).__mro__):
            return object.__getattribute__(self, name)  # a property has failed: raise its own error
        owner = type(self).__name__
        way_out = HABITS.get(name, "") if "_lock" in vars(self) else f" {owner}: {_MISSING_SUPER}"
        raise AttributeError(f"{owner!r} object has no attribute {name!r}.{way_out}", name=name, obj=self)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Raises: rules of tfoptim define `direction` or `step`, and are applied by `apply`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no update_step, because apply does the whole step. Call apply(gradients, "
            "variables); a rule defines direction(h, g, w, s) or step(h, g, w, s)."
        )


if TYPE_CHECKING:
    Guarded: TypeAlias = keras.optimizers.Optimizer  # without types, as all of Keras
else:
    Guarded = _Guarded

_COUNTER = "to set the counter, call optimizer.iterations.assign(value)"
_UPDATES = "with gradient_accumulation_steps they follow from the calls; to start over, make a new optimizer"
_MISSING_SUPER = "__init__ must call super().__init__(...) first."


def _calling_base(init: Callable[..., None]) -> Callable[..., None]:
    """Returns a constructor that raises unless it calls the base's."""

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if "_lock" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}: {_MISSING_SUPER}")

    return __init__


def with_arguments(step: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a rule's `step` that, called like torch's, explains how to take a step."""

    @functools.wraps(step)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) < len(overrides.RULE["step"]):
            raise TypeError(f"{type(self).__name__}: step(h, g, w, s) is the rule, called by apply. {_LOOP}")
        return step(self, *args, **kwargs)

    return checked
