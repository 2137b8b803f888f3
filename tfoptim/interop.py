"""Conversion of Keras optimizers, with their state, also in the middle of training; back: `tfoptim.counterparts`."""

from __future__ import annotations

from typing import Any

import keras

from tfoptim.counterparts import counterparts, listed, scale, take_over
from tfoptim.optimizer import Optimizer
from tfoptim.registry import classes, described
from tfoptim.wrappers.loss_scale import LossScaleOptimizer


def from_keras(optimizer: Any) -> Any:
    """Returns the tfoptim optimizer of the same rule, with the same configuration and, if it is built, the same state.

    Exclusions from weight decay go over too. Of an optimizer that is not built, only those by name do: the patterns are
    then searched in the variables' paths, as everywhere in tfoptim, where Keras looks at the last part alone.

    Args:
        optimizer: a Keras optimizer, possibly in a `LossScaleOptimizer`. It is not changed.

    Returns:
        An optimizer for `model.compile`. If the given one was built, this one is built for the same variables, and its
        next step is the one that the given optimizer would have taken.

    Raises:
        TypeError: it is not an optimizer of Keras 3, or tfoptim has no optimizer of that rule.
        ValueError: it is not built, and variables are excluded from weight decay that only `build` will know.

    >>> import keras, tfoptim
    >>> tfoptim.from_keras(keras.optimizers.Adam(beta_1=0.8)).beta_1
    0.8
    """
    if isinstance(optimizer, Optimizer | LossScaleOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = from_keras(optimizer.inner_optimizer)
        return take_over(optimizer, LossScaleOptimizer(inner, **scale(optimizer)))
    if type(optimizer) not in counterparts().values():
        raise TypeError(_refusal(optimizer))
    return take_over(optimizer, _alone(optimizer))


def _alone(optimizer: Any) -> Optimizer:
    """Returns our optimizer for a Keras optimizer that is no wrapper, without state."""
    ours = classes()[type(optimizer).__name__.lower()].from_config(optimizer.get_config())
    ours.exclude_from_weight_decay(*_excluded(optimizer))
    return ours


def _refusal(optimizer: Any) -> str:
    """Returns why an object cannot be converted, and what to do instead."""
    cls = optimizer if isinstance(optimizer, type) else type(optimizer)
    takes = f"It takes an instance of an optimizer of keras.optimizers: {listed()}."
    ours = classes().get(cls.__name__.lower())
    if isinstance(optimizer, (type, str)):
        why = "use tfoptim.get to create one by name"
    elif isinstance(optimizer, keras.optimizers.Optimizer):
        base = next(base for base in cls.__mro__ if base.__module__.startswith("keras."))
        why = "tfoptim has no optimizer of this rule"
        if base is not cls:
            why = f"a class with a rule of its own, derived from {base.__name__}; derive it from tfoptim's"
    else:
        old = "not of Keras 3; " if cls.__module__.startswith(("tf_keras.", "keras.", "tensorflow")) else ""
        why = f"{old}make {f'tfoptim.{ours.__name__}' if ours else 'one of tfoptim'} with its arguments"
    return f"from_keras got {described(optimizer)}: {why}. {takes}"


def _excluded(optimizer: Any) -> tuple[list[Any], list[str]]:
    """Returns variables and patterns that Keras excludes from weight decay, which it keeps in private attributes.

    Once the variables are known, they say it all, and exactly.
    """
    if optimizer.built:
        return [v for v in optimizer._trainable_variables if not optimizer._use_weight_decay(v)], []
    if getattr(optimizer, "_exclude_from_weight_decay", None):
        raise ValueError(
            f"from_keras got {described(optimizer)}, which excludes variables from weight decay, and is not built: "
            "call its `build(variables)` first, or exclude them from the result."
        )
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return [], [pattern.pattern] if pattern else []


def parts(optimizer: Any) -> list[Optimizer]:
    """Returns the tfoptim optimizers in an optimizer: itself, or those it wraps or joins."""
    inside = [optimizer, getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    return [part for part in inside if isinstance(part, Optimizer)]
