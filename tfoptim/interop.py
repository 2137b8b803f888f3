"""Conversion of Keras optimizers, with their state, also in the middle of training; back: `tfoptim.counterparts`."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from tfoptim.counterparts import counterparts, listed, scale, take_over
from tfoptim.optimizer import Optimizer
from tfoptim.registry import classes, described
from tfoptim.wrappers.loss_scale import LossScaleOptimizer
from tfoptim.wrappers.multi import MultiOptimizer
from tfoptim.wrappers.whole import WHOLE


def from_keras(optimizer: Any) -> Any:
    """Returns the tfoptim optimizer of the same rule, with the same configuration and, if it is built, the same state.

    Exclusions from weight decay go over too. Of an optimizer that is not built, only those by name do: the patterns are
    then searched in the variables' paths, as everywhere in tfoptim, where Keras looks at the last part alone.

    Args:
        optimizer: a Keras optimizer, possibly in a `LossScaleOptimizer`, or a `MultiOptimizer`. It is not changed.

    Returns:
        An optimizer for `model.compile`. If the given one was built, this one is built for the same variables, and its
        next step is the one that the given optimizer would have taken, but for what differs on purpose: with
        `gradient_accumulation_steps`, a schedule sees updates and not calls, which is warned of, and averages move with
        updates; gradients of a ScheduleFreeAdamW are taken elsewhere.

    Raises:
        TypeError: it is not an optimizer of Keras 3, or tfoptim has no optimizer of that rule; or the optimizers of a
            `MultiOptimizer` differ in what tfoptim does for all variables together, such as accumulating gradients.
        ValueError: it is not built, and variables are excluded from weight decay that only `build` will know; or it is
            a Muon that orthogonalizes biases, or a ScheduleFreeAdamW with decay, which tfoptim's do not do.

    >>> import keras, tfoptim
    >>> tfoptim.from_keras(keras.optimizers.Adam(beta_1=0.8)).beta_1
    0.8
    """
    if isinstance(optimizer, Optimizer | LossScaleOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        inner = from_keras(optimizer.inner_optimizer)
        return take_over(optimizer, LossScaleOptimizer(inner, **scale(optimizer)))
    if isinstance(optimizer, getattr(keras.optimizers, "MultiOptimizer", ())):
        return _joined(optimizer)
    if type(optimizer) not in counterparts().values():
        raise TypeError(_refusal(optimizer))
    return take_over(optimizer, _alone(optimizer))


def _warn_of_schedule(ours: Optimizer) -> None:
    """Warns of a schedule that counted calls in Keras, and counts updates here."""
    k = ours.gradient_accumulation_steps
    if k and callable(ours.numbers().get("learning_rate")):
        warnings.warn(
            f"from_keras: the schedule of {ours.name} counted calls, and counts updates here, one in {k} calls: give a "
            "learning_rate whose steps are updates.",
            stacklevel=4,
        )


def _alone(optimizer: Any, **other: Any) -> Optimizer:
    """Returns our optimizer for a Keras optimizer that is no wrapper, with some other arguments, without state."""
    cls = classes()[type(optimizer).__name__.lower()]
    ours = cls.from_config({**cls.config_of_keras(optimizer.get_config()), **other})
    ours.exclude_from_weight_decay(*_excluded(optimizer))
    _warn_of_schedule(ours)
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


_OF_WHOLE = {name: field.default for name, field in Optimizer.fields.items() if name in WHOLE and name != "nonfinite"}
"""Arguments that each optimizer of Keras's `MultiOptimizer` has, and here the whole has -> default."""


def _joined(optimizer: Any) -> MultiOptimizer:
    """Returns our `MultiOptimizer` for Keras's, whose patterns must fit the whole path."""
    chosen = optimizer._optimizer_map
    if not hasattr(chosen, "default_optimizer"):
        raise TypeError("from_keras: a function chooses the optimizers; give tfoptim.MultiOptimizer patterns of paths.")
    theirs = [chosen.default_optimizer, *chosen.values()]
    converted = [from_keras(part) for part in theirs]  # with its state, and refused where its rule is unknown
    default, *others = [_alone(part, **_OF_WHOLE) for part in theirs]
    patterns = [f"^(?:{pattern})$" for pattern in chosen]
    ours = MultiOptimizer(default, dict(zip(patterns, others, strict=True)), optimizer.name, **_of_whole(theirs))
    if optimizer.built:
        ours.build(list(optimizer._trainable_variables))
        ours._iterations.assign(optimizer._iterations)
        for mine, part in zip(ours.optimizers, converted, strict=True):
            _take_part(ours, mine, part)
    return ours


def _of_whole(theirs: list[Any]) -> dict[str, Any]:
    """Returns the arguments of the whole step, which must be the same for all optimizers."""
    found: dict[str, Any] = {}
    for name, default in _OF_WHOLE.items():
        first, *others = [getattr(part, name) for part in theirs]
        if any(other != first for other in others):
            raise TypeError(
                f"from_keras: {name} differs between the optimizers; tfoptim.MultiOptimizer has one for all."
            )
        if name == "global_clipnorm" and first is not None:
            raise TypeError(
                "from_keras: global_clipnorm clips the gradients of each optimizer by themselves; in "
                "tfoptim.MultiOptimizer it clips all together."
            )
        found |= {name: first} if first != default else {}
    return found


def _take_part(ours: MultiOptimizer, mine: Optimizer, converted: Optimizer) -> None:
    """Copies the state of one optimizer, which may be that of several patterns in Keras."""
    if not converted.built:  # Keras leaves it so where it has no variables
        return
    mine._iterations.assign(converted.iterations)
    for name, shared in mine._runtime.shared.items():
        shared.assign(converted._runtime.shared[name])
    if mine._learning_rate is not None and isinstance(mine._learning_rate, keras.Variable):
        mine._learning_rate.assign(converted._learning_rate)
    for i, variable in enumerate(mine._trainable_variables):
        j, whole = converted._get_variable_index(variable), ours._get_variable_index(variable)
        pairs = [(slot, converted._runtime.slots[j][name]) for name, slot in mine._runtime.slots[i].items()]
        if ours._runtime.averages:
            pairs.append((ours._runtime.averages[whole], converted._runtime.averages[j]))
        if ours.gradient_accumulation_steps:
            pairs.append((ours._accumulated_gradients[whole], converted._accumulated_gradients[j]))
        for target, value in pairs:
            target.assign(value)


def parts(optimizer: Any) -> list[Optimizer]:
    """Returns the tfoptim optimizers in an optimizer: itself, and those that it wraps or joins, at any depth."""
    inside = [getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    own = [optimizer] if isinstance(optimizer, Optimizer) else []
    return own + [found for part in inside if part is not None for found in parts(part)]
