"""Averages that a rule keeps itself, such as Schedule-Free's: they need no slot, and evaluation has them by default.

The rule computes the weights for evaluation from the weights and slots of training (`evaluated`), and the other way
round (`trained`). Which of the two the variables have is a saved number, `averaged`: 1 from the end of `fit` to the
next step, also in a file, so that a model can be evaluated, saved, loaded and trained further without a callback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfoptim.scalar import Scalar, host
from tfoptim.state import slots
from tfoptim.update.context import Slots
from tfoptim.variables import compute_dtype, copies, local, raw

AVERAGED = "averaged"
"""Name of the shared state that says which weights the variables have."""


class Now:
    """Present numbers of an optimizer outside of its step, as a rule reads them; each is read once."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer

    def __getattr__(self, name: str) -> Scalar | None:
        with host():
            value = self._optimizer.now(name)
        found = self.__dict__[name] = None if value is None else Scalar(value)
        return found


def is_kept(optimizer: Any) -> bool:
    """Returns whether evaluation has the rule's own average; a moving average, if asked for, replaces it."""
    return bool(optimizer.own_average and optimizer.built and not optimizer.use_ema)


def keepers(optimizer: Any) -> list[Any]:
    """Returns the optimizers, of this one and its parts, of which `is_kept` is true."""
    return [part for part in optimizer._parts() if is_kept(part)]


def weights(optimizer: Any, variable: Any) -> tf.Tensor:
    """Returns the weights for evaluation on the current device, which the variable may have already."""
    present = tf.convert_to_tensor(raw(variable))
    there = tf.convert_to_tensor(raw(optimizer._runtime.shared[AVERAGED])) > 0
    return tf.where(
        there | tf.logical_not(_has_moved(optimizer)),
        present,
        _converted(optimizer, variable, optimizer.evaluated, Now(optimizer)),
    )


def adopt(optimizer: Any) -> None:
    """Gives the variables of all keepers their weights for evaluation, unless they have them."""
    for keeper in keepers(optimizer):
        _turn_whole(keeper, 1.0, keeper.evaluated)


def leave(optimizer: Any) -> None:
    """Gives the variables of all keepers their weights for training, unless they have them."""
    for keeper in keepers(optimizer):
        _turn_whole(keeper, 0.0, keeper.trained)


def flags(optimizer: Any) -> list[tuple[Any, tf.Tensor]]:
    """Returns the number of each keeper on each device, with the value that belongs to averaged weights."""
    found = [copy for keeper in keepers(optimizer) for copy in _flags(keeper)]
    return [(copy, tf.ones((), copy.dtype)) for copy in found]


def _flags(keeper: Any) -> Sequence[Any]:
    return copies(keeper._distribution_strategy, keeper._runtime.shared[AVERAGED])


def _turn_whole(optimizer: Any, to: float, convert: Callable[[Any, Any, Any], Any]) -> None:
    """Converts all variables, or after an exception, such as Ctrl-C between two of them, none."""
    if not tf.executing_eagerly():
        _turn(optimizer, to, convert)
        return
    strategy = optimizer._distribution_strategy
    known = [*_flags(optimizer), *(copy for v in optimizer._trainable_variables for copy in copies(strategy, v))]
    before = [(v, tf.identity(v)) for v in known]
    try:
        _turn(optimizer, to, convert)
    except BaseException:
        for v, value in before:
            v.assign(value)
        raise


def _turn(optimizer: Any, to: float, convert: Callable[[Any, Any, Any], Any]) -> None:
    """Converts all variables, not only those of a call: one number says which weights they have."""
    strategy, flag = optimizer._distribution_strategy, raw(optimizer._runtime.shared[AVERAGED])

    def assign(_: Any, v: Any, now: Now) -> None:
        optimizer.assign(raw(v), _converted(optimizer, v, convert, now))

    def turn() -> tf.Tensor:
        now = Now(optimizer)
        for v in optimizer._trainable_variables:
            if slots(optimizer, v):
                strategy.extended.update(raw(v), assign, kwargs={"v": v, "now": now}, group=False)
        strategy.extended.update(flag, lambda var: var.assign(tf.constant(to, var.dtype)), group=False)
        return tf.constant(0)

    differs = tf.not_equal(tf.convert_to_tensor(local(strategy, flag)), to)
    tf.cond(differs & _has_moved(optimizer) if to else differs, turn, lambda: tf.constant(0))


def _has_moved(optimizer: Any) -> tf.Tensor:
    """Returns whether there has been an update; before it, slots may be older than the weights, the only ones."""
    calls = tf.convert_to_tensor(local(optimizer._distribution_strategy, optimizer._iterations.value))
    with host():
        return calls >= (optimizer.gradient_accumulation_steps or 1)


def _converted(optimizer: Any, v: Any, convert: Callable[[Any, Any, Any], Any], now: Now) -> tf.Tensor:
    """Returns the other weights of a variable, under its constraint, in its precision."""
    own = {name: tf.convert_to_tensor(slot) for name, slot in slots(optimizer, v).items()}
    present = tf.convert_to_tensor(raw(v))
    if not own:
        return present
    found = convert(now, tf.cast(present, compute_dtype(present.dtype)), Slots(own))
    found, constraint = tf.cast(found, present.dtype), getattr(v, "constraint", None)
    return found if constraint is None else tf.convert_to_tensor(constraint(found))
