"""A trial of an optimizer of a user's: it is made once, and takes a step. Running this runs the user's code."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from experiments.errors import UserError
from experiments.problems.own import outside

RATE = "learning_rate"
USUAL = 0.001  # where a constructor has a rate and no default


def of_optimizer(text: str, given: Mapping[str, Any], scheduled: bool, folder: str) -> dict[str, Any]:
    """Returns the facts of an optimizer; a UserError says why a study cannot use it.

    Args:
        text: what the study calls it.
        given: its hyperparameters.
        scheduled: whether its learning rate is a schedule in some run.
        folder: that of the study's file.
    """
    import keras

    import tfoptim

    one = outside.reference(text, outside.OPTIMIZERS, folder)
    made = outside.load(one)
    if not callable(made):
        raise UserError(f"must be a class, or a function that returns an optimizer, got {type(made).__name__}.")
    known = inspect.signature(made).parameters
    if RATE not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        raise UserError("its constructor has no argument learning_rate, which a study sets; add it.")
    try:
        optimizer = made(**{RATE: USUAL}, **given)
    except outside.RAISED as error:
        raise UserError(f"cannot be made: {outside.described(error, str(one.path))}.") from error
    if scheduled:
        _scheduled(made, given, str(one.path))
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise UserError(
            f"must be a keras.optimizers.Optimizer, got a {type(optimizer).__module__}.{type(optimizer).__name__}."
        )
    if isinstance(optimizer, tfoptim.Optimizer) and type(optimizer).gradients is not tfoptim.Optimizer.gradients:
        raise UserError(
            "needs the loss itself, as tfoptim.training gives it, and a study gives gradients; leave it out."
        )
    if _is_number(rate := _rate_of(optimizer)) and not math.isclose(rate, USUAL, rel_tol=1e-6):
        raise UserError(
            f"has the learning rate {rate:g} where learning_rate={USUAL:g} is given; pass it on, as in "
            "super().__init__(learning_rate, ...)."
        )
    slots = _stepped(optimizer, str(one.path))
    numbers = {name: one.default for name, one in known.items() if _is_number(one.default)}
    return {"knobs": [name for name in numbers if name != RATE], "defaults": {RATE: USUAL, **numbers}, "slots": slots}


def _scheduled(made: Callable[..., Any], given: Mapping[str, Any], path: str) -> None:
    """Raises unless an optimizer can be made with a schedule as its learning rate, as runs do."""
    import keras

    try:
        made(**{RATE: keras.optimizers.schedules.InverseTimeDecay(USUAL, 1, 0.0)}, **given)
    except outside.RAISED as error:
        raise UserError(
            f"cannot be made with a schedule as its learning rate, which runs give it: "
            f"{outside.described(error, path)}; pass it to super().__init__ unchanged, or give the entry "
            'schedule = "constant".'
        ) from error


def _rate_of(optimizer: Any) -> Any:
    """Returns the learning rate of an optimizer that keeps one number."""
    try:
        return float(optimizer.learning_rate)
    except (AttributeError, TypeError, ValueError):
        return None


def _stepped(optimizer: Any, path: str) -> int:
    """Takes a step on a small matrix, and returns how many copies of it the optimizer keeps."""
    import tensorflow as tf

    weights = tf.Variable(tf.reshape(tf.range(6.0), (3, 2)))
    try:
        optimizer.build([weights])
        compiled(lambda: optimizer.apply([tf.ones_like(weights)], [weights]))
    except outside.RAISED as error:
        raise UserError(f"fails at its first step: {outside.described(error, path)}.") from error
    return sum(tuple(one.shape) == (3, 2) for one in optimizer.variables)


def compiled(work: Callable[[], Any]) -> Any:
    """Returns what work gives in a compiled function, as it is trained: Python's `if` cannot ask for tensors there."""
    import tensorflow as tf

    return tf.function(work, autograph=False)()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
