"""Conversion of Keras optimizers, with their state, also in the middle of training."""

from __future__ import annotations

from typing import Any

import keras

from tfoptim.optimizer import Optimizer
from tfoptim.registry import classes, described
from tfoptim.wrappers.loss_scale import LossScaleOptimizer

KERAS_NAMES = {
    *("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "adamax", "nadam", "lamb"),
    *("adafactor", "muon", "schedulefreeadamw"),
}


def from_keras(optimizer: Any) -> Any:
    """Returns the tfoptim optimizer of the same rule, with the same configuration and, if it is built, the same state.

    Args:
        optimizer: a Keras optimizer, possibly in a `LossScaleOptimizer`. It is not changed.

    Returns:
        An optimizer for `model.compile`. If the given one was built, this one is built for the same variables, and its
        next step is the one that the given optimizer would have taken.

    Raises:
        TypeError: it is not an optimizer of Keras 3, or tfoptim has no optimizer of that rule.
        ValueError: it is a Muon that orthogonalizes biases, or a ScheduleFreeAdamW with decay: tfoptim's differ.

    >>> import keras, tfoptim
    >>> tfoptim.from_keras(keras.optimizers.Adam(beta_1=0.8)).beta_1
    0.8
    """
    if isinstance(optimizer, Optimizer | LossScaleOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return _take_over(optimizer, _scaled(optimizer))
    name = type(optimizer).__name__.lower()
    if name not in KERAS_NAMES or type(optimizer) is not getattr(keras.optimizers, type(optimizer).__name__, None):
        raise TypeError(_refusal(optimizer))
    ours = classes()[name].from_config(classes()[name].config_of_keras(optimizer.get_config()))
    _copy_exclusion(optimizer, ours)
    return _take_over(optimizer, ours)


def _refusal(optimizer: Any) -> str:
    """Returns why an object cannot be converted, and what to do instead."""
    cls = optimizer if isinstance(optimizer, type) else type(optimizer)
    takes = f"It takes an instance of an optimizer of keras.optimizers: {', '.join(sorted(KERAS_NAMES))}."
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


def _scaled(optimizer: Any) -> LossScaleOptimizer:
    scale = {name: getattr(optimizer, name) for name in ("initial_scale", "dynamic_growth_steps", "name")}
    return LossScaleOptimizer(from_keras(optimizer.inner_optimizer), **scale)


def _copy_exclusion(keras_optimizer: Any, ours: Optimizer) -> None:
    """Copies the exclusions from weight decay; Keras keeps them in private attributes only."""
    variables = getattr(keras_optimizer, "_trainable_variables", [])
    keys = getattr(keras_optimizer, "_exclude_from_weight_decay", ())
    pattern = getattr(keras_optimizer, "_exclude_from_weight_decay_pattern", None)
    excluded = [v for v in variables if keras_optimizer._var_key(v) in keys]
    ours.exclude_from_weight_decay(excluded, [pattern.pattern] if pattern else [])


def _take_over(keras_optimizer: Any, ours: Any) -> Any:
    """Builds `ours` for the variables of a built Keras optimizer and copies its state; an inner one has it already."""
    if keras_optimizer.built:
        ours.build(list(keras_optimizer._trainable_variables))
        rule = isinstance(ours, Optimizer)
        values = ours.state_of_keras(keras_optimizer) if rule else keras_optimizer._variables
        for mine, theirs in zip(ours.variables if rule else ours._variables, values, strict=True):
            mine.assign(keras.ops.cast(theirs, mine.dtype))
    return ours


def parts(optimizer: Any) -> list[Optimizer]:
    """Returns the tfoptim optimizers in an optimizer: itself, or those it wraps or joins."""
    inside = [optimizer, getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    return [part for part in inside if isinstance(part, Optimizer)]
