"""What every class of optimizers has in common: it refuses what would be ignored, and shows what is for users."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import keras

from tfoptim.declaration import overrides
from tfoptim.declaration.fields import OTHER_NAMES, hint

if TYPE_CHECKING:
    _Meta = type
else:
    _Meta = type(Protocol)  # so that a class may also be derived from an abstract class or from a protocol

SHOWN = frozenset(
    {
        *("__init__", "direction", "step", "once", "slots", "shared", "elementwise", "skips_zero_gradients"),
        *("apply", "apply_gradients", "build", "exclude_from_weight_decay", "finalize_variable_values", "scale_loss"),
        *("get_config", "from_config", "set_weights", "variables", "iterations"),
    }
)
"""What `help` and `dir` show of the base classes; arguments and what a user's class defines come besides."""

_LOOP = "Compute gradients with tf.GradientTape and call apply(gradients, variables)."
HABITS = {
    "zero_grad": " Nothing need be cleared: gradients come from a tf.GradientTape.",
    "minimize": f" {_LOOP}",
    "compute_gradients": f" {_LOOP}",
    "get_gradients": f" {_LOOP}",
    "get_updates": f" {_LOOP}",
    "param_groups": " Arguments are attributes, such as learning_rate.",
    "state_dict": " Save `variables`, or the model: model.save, keras.callbacks.ModelCheckpoint.",
    "load_state_dict": " Load the model: keras.models.load_model, model.load_weights.",
    "add_param_group": " Give all variables to build(variables).",
    "get_slot": " See `variables`.",
    "weights": " See `variables`.",
    "get_weights": " See `variables`.",
    "lr": " See learning_rate.",
}
"""What users of other optimizers ask for, and what to do here."""


class OptimizerClass(_Meta):
    """The class of optimizer classes: sees what is put on them after they are made, and what of them is shown."""

    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__

    def __setattr__(cls, name: str, value: Any) -> None:
        overrides.check_assigned(cls, name, value)
        super().__setattr__(name, value)

    def __dir__(cls) -> list[str]:
        bases = [c for c in cls.__mro__ if overrides.is_known(c)]
        users = {name for c in cls.__mro__ if c not in bases for name in vars(c)}
        fields = getattr(cls, "fields", {})
        hidden = {name for c in bases if c is not object for name in vars(c)} | {"__annotations__", "fields"}
        return [name for name in super().__dir__() if name in users | SHOWN or name in fields or name not in hidden]


class _Guarded(metaclass=OptimizerClass):
    """A base of optimizers that refuses what would be ignored: in a subclass, or put on an optimizer."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        overrides.check_class(cls)
        if "__init__" in vars(cls):
            cls.__init__ = _calling_base(vars(cls)["__init__"])  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        overrides.check_assigned(type(self), name, value)
        if name in overrides.RULE and "_lock" in vars(self):
            raise TypeError(
                f"{type(self).__name__}: {name} cannot be replaced on an optimizer; define it in a subclass."
            )
        known = getattr(type(self), "fields", ("learning_rate",))
        if name in OTHER_NAMES and name not in known and overrides.is_known(type(self)):
            raise AttributeError(f"{type(self).__name__} has no argument {name!r}.{hint(name, known)}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Says what is missing; asked for only where there is nothing of that name."""
        if inspect.getattr_static(type(self), name, None) is not None:
            return object.__getattribute__(self, name)  # a property has failed: its own error tells why
        owner = type(self).__name__
        way_out = HABITS.get(name, "") if "_lock" in vars(self) else f" {owner}: {_MISSING_SUPER}"
        raise AttributeError(f"{owner!r} object has no attribute {name!r}.{way_out}", name=name, obj=self)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Raises: a rule of tfoptim defines `direction` or `step`, and `apply` takes the step."""
        raise NotImplementedError(
            f"{type(self).__name__} has no update_step: tfoptim takes the step by itself. Call apply(gradients, "
            "variables); a rule defines direction(h, g, w, s) or step(h, g, w, s)."
        )


if TYPE_CHECKING:
    Guarded: TypeAlias = keras.optimizers.Optimizer  # without types, as all of Keras
else:
    Guarded = _Guarded

_MISSING_SUPER = "__init__ must call super().__init__(...), and before anything else."


def _calling_base(init: Callable[..., None]) -> Callable[..., None]:
    """Returns a constructor that raises if the base's was not called."""

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if "_lock" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}: {_MISSING_SUPER}")

    return __init__


def with_arguments(step: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a rule's `step` that tells those who want to take a step with it how to."""

    @functools.wraps(step)
    def asked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) < len(overrides.RULE["step"]):
            raise TypeError(f"{type(self).__name__}: step(h, g, w, s) is the rule, called by apply. {_LOOP}")
        return step(self, *args, **kwargs)

    return asked
