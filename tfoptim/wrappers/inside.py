"""Checks of an optimizer that is put inside another."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import keras

from tfoptim.declaration.overrides import CALLED, redefines
from tfoptim.optimizer import Optimizer

OF_CONFIG = frozenset({"get_config", "from_config", "learning_rate", "_obj_type"})
"""Methods of an inner optimizer that are called, whatever the wrapper."""


def check_inside(what: str, argument: str, optimizer: Any, called: Set[str] = OF_CONFIG, way_out: str = "") -> None:
    """Raises unless an optimizer can be put inside another.

    Args:
        what: class of the wrapper, for the message.
        argument: of the wrapper, for the message.
        optimizer: the value of the argument.
        called: methods of it that a user may have overridden, because the wrapper calls them.
        way_out: end of the message for an optimizer that needs the loss.

    Raises:
        TypeError: it is no optimizer of tfoptim, needs the loss, or has methods that would never be called.
        ValueError: it is built, or in use by another wrapper.
    """
    check_optimizer(what, argument, optimizer)
    kind = type(optimizer).__name__
    if optimizer.built:
        raise ValueError(f"{what}: {optimizer.name} is built already; give a new one, and load its saved state.")
    outer = optimizer._outer()
    if outer is not optimizer:
        raise ValueError(f"{what}: {optimizer.name} is inside {outer.name} already; give another.")
    if optimizer.needs_loss:
        raise TypeError(f"{what}: {kind} cannot be inside, because it needs the loss, not only gradients{way_out}.")
    ignored = [name for name in sorted(CALLED - called) if redefines(optimizer, name)]
    if ignored:
        raise TypeError(
            f"{what}: {', '.join(ignored)} of {kind} would never be called, because {what} does the whole step; define "
            f"{'it' if len(ignored) == 1 else 'them'} in a subclass of {what}."
        )


def check_optimizer(what: str, argument: str, optimizer: Any) -> None:
    """Raises unless an argument is an optimizer of tfoptim."""
    if not isinstance(optimizer, Optimizer):
        kind = type(optimizer).__name__
        raise TypeError(f"{what}: {argument} must be an optimizer of tfoptim, got {kind}. {_way_out(optimizer)}")


def _way_out(optimizer: Any) -> str:
    if isinstance(optimizer, type):
        return f"It is a class: pass an instance, {optimizer.__name__}(...)."
    if isinstance(optimizer, str):
        return f"tfoptim.get({optimizer!r}) makes one."
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return "Put the loss scale around the whole."
    return "tfoptim.from_keras converts Keras's."


def is_argument(inner: Optimizer, name: str) -> bool:
    """Returns whether a name is an argument of an optimizer or of its parts."""
    return any(name in part.fields for part in inner._parts())


def is_of_inner(inner: Optimizer, name: str) -> bool:
    """Returns whether a name is an argument of an optimizer, or a method of its that excludes variables."""
    methods = [exclusion.method for exclusion in inner.exclusions()]
    return is_argument(inner, name) or name in methods or (name == "optimizers" and name in vars(inner))


def leave_to_inner(wrapper: Any) -> None:
    """Drops what Keras has set on the wrapper and only the inner optimizer heeds, so that its values are read."""
    for name in wrapper.inner_optimizer.fields.keys() & vars(wrapper).keys():
        del wrapper.__dict__[name]
