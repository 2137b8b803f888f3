"""Averaged weights in the place of the training weights, for as long as something is evaluated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfoptim.step import own_average
from tfoptim.variables import copies, local, path, raw

Values = list[tuple[Any, tf.Tensor]]
"""A tf.Variable on one device, and the value it is to have."""


def check(optimizer: Any) -> None:
    """Raises unless the optimizer keeps an average."""
    if not optimizer.averages:
        raise ValueError(
            f"{optimizer.name} keeps no average of the weights: make it with use_ema=True, as in "
            f"{optimizer._rule_class.__name__}(use_ema=True)."
        )


def average_of(optimizer: Any, variable: Any) -> tf.Tensor:
    """Returns the average of a variable under its constraint, in its precision, on the current device.

    Before the first step a moving average is not that of anything; then, these are the weights.

    Raises:
        ValueError: the optimizer was not built for the variable.
    """
    try:
        place = optimizer._get_variable_index(variable)
    except KeyError:
        raise ValueError(
            f"{optimizer.name} keeps no average of {path(variable)}: it was not built for it. Call build with all "
            "variables first."
        ) from None
    if own_average.is_kept(optimizer):
        return own_average.weights(optimizer, variable)
    average = optimizer._runtime.averages[place]
    if average is None or (tf.executing_eagerly() and _steps(optimizer) == 0):
        return tf.convert_to_tensor(raw(variable))
    value = tf.cast(tf.convert_to_tensor(raw(average)), raw(variable).dtype)
    constraint = getattr(variable, "constraint", None)
    return value if constraint is None else tf.convert_to_tensor(constraint(value))


def _steps(optimizer: Any) -> int:
    calls = local(optimizer._distribution_strategy, optimizer._iterations.value)
    return int(calls) // (optimizer.gradient_accumulation_steps or 1)


def averages(optimizer: Any, variables: Sequence[Any]) -> Values:
    """Returns the copy on each device of the variables that the optimizer trains, with their averaged weights."""
    optimizer = optimizer._runtime.owner
    known = [v for v in variables if optimizer.built and optimizer.knows(v)]
    if not known:
        return []
    strategy = optimizer._distribution_strategy
    found = strategy.extended.update(raw(known[0]), lambda _: optimizer.average_weights(known), group=False)
    pairs = zip(known, found, strict=True)
    found = [pair for v, values in pairs for pair in zip(copies(strategy, v), values, strict=True)]
    return [(copy, tf.cast(value, copy.dtype)) for copy, value in found] + own_average.flags(optimizer)


@contextlib.contextmanager
def held(values: Values) -> Iterator[None]:
    """Gives variables other values in its context, and then those they had, to the bit, also after an exception.

    No value is copied: a variable takes the memory of the tensor that is assigned to it.
    """
    kept = [(v, read(v)) for v, _ in values]
    try:
        write(values)
        yield
    finally:
        try:
            write(kept)
        except BaseException:  # a KeyboardInterrupt comes at any time
            write(kept)
            raise


def read(variable: Any) -> tf.Tensor:
    """Returns the value of a tf.Variable on one device, by the bare operation: this is done for every batch."""
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


def write(values: Values) -> None:
    """Assigns each variable its value."""
    for variable, value in values:
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


@contextlib.contextmanager
def shown(optimizers: Sequence[Any], values: Callable[[], Values]) -> Iterator[None]:
    """Holds the averaged weights that optimizers keep; within another such context, changes nothing."""
    if any(optimizer._runtime.averages_shown for optimizer in optimizers):
        yield
        return
    with held(values()):
        try:
            for optimizer in optimizers:
                optimizer._runtime.averages_shown = True
            yield
        finally:
            for optimizer in optimizers:
                optimizer._runtime.averages_shown = False


class Averaged:
    """The part of an optimizer that has weights for evaluation."""

    own_weights: ClassVar[bool] = False
    """Whether slots say where the weights are, so that the next step undoes other changes of them."""

    own_average: ClassVar[bool] = False
    """Whether the rule has weights for evaluation: it defines `evaluated` and `trained`, and the shared state
    `averaged`, which starts at 0."""

    def evaluated(self, h: Any, w: Any, s: Any) -> Any:
        """Returns the weights for evaluation, for rules with `own_average`; arguments as in `direction`."""
        raise NotImplementedError(f"{type(self).__name__} must define evaluated(h, w, s).")

    def trained(self, h: Any, w: Any, s: Any) -> Any:
        """Returns the weights for training from those for evaluation, the inverse of `evaluated`."""
        raise NotImplementedError(f"{type(self).__name__} must define trained(h, w, s).")

    @property
    def averages(self: Any) -> bool:
        """Whether the optimizer has weights for evaluation other than those it trains."""
        return bool(self.use_ema or self.own_average)

    def average_weights(self: Any, variables: Sequence[Any]) -> list[Any]:
        """Returns the weights for evaluation as tensors: the averages, or before the first step the weights.

        Of the moving average, if there is one, else of the rule's own (`own_average`). Called on each device.

        Args:
            variables: that the optimizer was built for.

        Raises:
            ValueError: the optimizer keeps no average.
        """
        check(self)
        return [average_of(self, v) for v in variables]

    @contextlib.contextmanager
    def averaged(self: Any, variables: Sequence[Any]) -> Iterator[None]:
        """Context in which variables have their averaged weights; after it, those they had, to the bit.

        For loops of your own, and not for training within; in `fit`, `evaluate` and `predict`,
        `tfoptim.callbacks.EvaluateAverage` does this. A second context within the first changes nothing.

        Args:
            variables: of which those are averaged that the optimizer trains.

        Raises:
            ValueError: the optimizer keeps no average.

        >>> import keras, tfoptim
        >>> weight, optimizer = keras.Variable(1.0), tfoptim.SGD(0.5, use_ema=True, ema_momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([1.0], [weight])
        >>> with optimizer.averaged([weight]):
        ...     print(float(weight))
        0.25
        >>> float(weight)
        0.0
        """
        check(self)
        with shown([self], lambda: averages(self, variables)):
            yield
