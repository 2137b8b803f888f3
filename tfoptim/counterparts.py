"""Keras's classes of the same name as ours, and the way back to them, with configuration and state."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from tfoptim.declaration.overrides import formula
from tfoptim.optimizer import Optimizer
from tfoptim.registry import classes, described


def counterparts() -> dict[type[Optimizer], type]:
    """Returns the classes that Keras has too: ours -> Keras's."""
    theirs = {name.lower(): cls for name, cls in vars(keras.optimizers).items() if isinstance(cls, type)}
    return {ours: theirs[name] for name, ours in classes().items() if name in theirs}


def listed() -> str:
    """Returns the names of the classes that Keras has too."""
    return ", ".join(sorted(cls.__name__.lower() for cls in counterparts()))


def to_keras(optimizer: Any) -> Any:
    """Returns Keras's optimizer of the same rule, with the same configuration and, if it is built, the same state.

    For a model that has to load, or train on, where tfoptim is not installed. Exclusions from weight decay go over, but
    Keras does not save them: exclude the variables again after loading.

    Args:
        optimizer: an optimizer of tfoptim whose class Keras has, possibly in a `LossScaleOptimizer`. It is not changed.
            Keras's own optimizers are returned as they are.

    Returns:
        An optimizer for `model.compile`. If the given one was built, this one is built for the same variables, and its
        next step is the one that the given optimizer would have taken, but for rounding. With
        `gradient_accumulation_steps`, Keras's averages move with calls, not with updates.

    Raises:
        TypeError: it is not an optimizer, or Keras has none of its class.
        ValueError: Keras cannot express an argument of it; or state or exclusions wait for `build`.

    >>> import tfoptim
    >>> tfoptim.to_keras(tfoptim.Adam(beta_1=0.8)).beta_1
    0.8
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = to_keras(optimizer.inner_optimizer)
        if inner is optimizer.inner_optimizer:
            return optimizer
        return take_over(optimizer, keras.optimizers.LossScaleOptimizer(inner, **scale(optimizer)))
    if isinstance(optimizer, keras.optimizers.Optimizer) and not isinstance(optimizer, Optimizer):
        return optimizer
    theirs = counterparts().get(type(optimizer))
    if theirs is None:
        raise TypeError(_refusal(optimizer))
    problem = optimizer.differs_from_keras or _unknown(theirs, optimizer) or _waiting(optimizer)
    if problem:
        raise ValueError(f"to_keras got {optimizer!r}: {problem}.")
    made = _made(theirs, optimizer)
    made.exclude_from_weight_decay(_excluded(optimizer))
    return take_over(optimizer, made)


def take_over(old: Any, new: Any) -> Any:
    """Builds `new` for the variables of `old`, if that is built, and copies its own state.

    What is inside of a `LossScaleOptimizer` has been taken over before.
    """
    values = old._variables
    if old.built:
        new.build(list(old._trainable_variables))
        values = _state(old, new)
    for mine, theirs in zip(new._variables, values, strict=True):
        mine.assign(keras.ops.cast(theirs, mine.dtype))
    return new


def _state(old: Any, new: Any) -> list[Any]:
    """Returns the state of `new` out of that of `old`."""
    if isinstance(new, Optimizer):
        return new.state_of_keras(old)
    return old.state_for_keras(new) if isinstance(old, Optimizer) else list(old._variables)


def scale(optimizer: Any) -> dict[str, Any]:
    """Returns the arguments of a `LossScaleOptimizer`, ours or Keras's, other than the inner optimizer."""
    return {name: getattr(optimizer, name) for name in ("initial_scale", "dynamic_growth_steps", "name")}


def _made(theirs: Any, optimizer: Any) -> Any:
    """Returns Keras's optimizer of the same arguments, without state."""
    known = inspect.signature(theirs).parameters
    arguments = {name: optimizer.given(name) for name in optimizer.fields if name in known}
    try:
        return theirs(name=optimizer.name, **arguments)
    except ValueError as error:
        raise ValueError(f"to_keras got {optimizer!r}, and Keras refuses its arguments: {error}") from error


def _unknown(theirs: type, optimizer: Any) -> str:
    """Returns what Keras's class cannot express, or an empty string."""
    known, numbers, alike = inspect.signature(theirs).parameters, optimizer.numbers(), optimizer.as_in_keras
    differ = [f"{name}={value!r}" for name, value in alike.items() if optimizer.given(name) != value]
    if differ:
        return f"Keras's {theirs.__name__} does what {', '.join(differ)} does here"
    needed = [name for name in optimizer.needed_in_keras if optimizer.given(name) is None]
    if needed:
        return f"Keras's {theirs.__name__} needs a number for {', '.join(needed)}"
    extra = [
        name
        for name, field in optimizer.fields.items()
        if name not in {*known, *alike} and optimizer.given(name) != field.default
    ]
    extra += [e.method for e in optimizer.exclusions() if e.config() and not hasattr(theirs, e.method)]
    if extra:
        return f"Keras's {theirs.__name__} has no {', '.join(extra)}"
    if optimizer.gradient_accumulation_steps and callable(numbers.get("learning_rate")):
        return "a schedule counts updates here, and calls in Keras, of which gradient_accumulation_steps make an update"
    scheduled = [name for name, value in numbers.items() if callable(value) and name != "learning_rate"]
    return f"Keras takes a schedule for learning_rate alone, not for {', '.join(scheduled)}" if scheduled else ""


def _waiting(optimizer: Any) -> str:
    """Returns what only `build` will settle, or an empty string."""
    if optimizer.built:
        return ""
    if any(e.config() for e in optimizer.exclusions()):
        return "exclusions fit the paths of variables, and Keras knows their names alone; call `build(variables)` first"
    return "its loaded state waits for the variables; call `build(variables)` first" * bool(optimizer._runtime.waiting)


def _excluded(optimizer: Any) -> list[Any]:
    """Returns the variables of a built optimizer that are excluded from weight decay."""
    variables, paths = getattr(optimizer, "_trainable_variables", []), optimizer._runtime.paths
    found = {i for e in optimizer.exclusions() if e.number == "weight_decay" for i in e.spared(paths)}
    return [variables[i] for i in sorted(found)]


def _refusal(optimizer: Any) -> str:
    """Returns why an object has no counterpart in Keras, and what to do instead."""
    cls = type(optimizer)
    alike = [
        ours.__name__ for ours in counterparts() if isinstance(optimizer, Optimizer) and formula(ours) is formula(cls)
    ]
    hint = f" tfoptim.{alike[0]} has the same rule." if alike else ""
    return (
        f"to_keras got {described(optimizer)}, which is no optimizer of tfoptim that Keras has too: {listed()}.{hint}"
    )
