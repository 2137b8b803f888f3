"""Inputs of every executor: hyperparameters, and one variable's part of a step."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.groups import Group, own_numbers, places
from tfoptim.scalar import Scalar, choose
from tfoptim.state import group_of, path_of


class Slots:
    """State of one variable as seen by the rule: only declared names can be read and replaced."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            declared = ", ".join(vars(self)) or "none"
            raise AttributeError(f"{name!r} is not a declared slot. Declared: {declared}.")
        vars(self)[name] = value

    def __contains__(self, name: str) -> bool:
        return name in vars(self)


@dataclass(frozen=True)
class Update:
    """One update of one variable: its inputs.

    Args:
        optimizer: whose rule runs.
        h: hyperparameters of this step.
        gradient: tensor, or IndexedSlices, in the variable's compute dtype.
        variable: tf.Variable.
        slots: name -> tf.Variable.
        decay: None, or the share of the weights that this step takes off first.
        factor: None, or a scalar by which the gradient is still to be multiplied, to clip it.
        average: None, or the tf.Variable with the moving average of the weights, which may be moved in the same pass.
        share: of the way to the new weights by which the average moves.
        repeated: whether rows of a sparse gradient may be repeated, and are still to be summed.
    """

    optimizer: Any
    h: SimpleNamespace
    gradient: Any
    variable: Any
    slots: Mapping[str, Any]
    decay: Scalar | None
    factor: Any = None
    average: Any = None
    share: Scalar | None = None
    repeated: bool = False

    def scaled(self) -> Update:
        """Returns the update with the factor applied to the gradient."""
        if self.factor is None:
            return self
        return replace(self, gradient=scaled(self.gradient, self.factor), factor=None)

    def number(self, scalar: Scalar) -> tf.Tensor:
        """Returns a hyperparameter in the gradient's precision, for kernels."""
        return scalar.cast(self.gradient.dtype)

    @property
    def portable(self) -> bool:
        """Whether the step must use operations of TFLite only; see `portable`."""
        return bool(self.h.t.value.dtype == tf.float32)

    @property
    def size(self) -> int:
        """Returns the number of elements of the variable, 0 where its shape is not known before it runs."""
        return tf.TensorShape(self.variable.shape).num_elements() or 0

    @property
    def is_of_nothing(self) -> bool:
        """Returns whether the variable is known to have no elements: an axis has length 0."""
        return bool(tf.TensorShape(self.variable.shape).num_elements() == 0)


def sum_rows(g: tf.IndexedSlices) -> tf.IndexedSlices:
    """Sums repeated rows: a row looked up twice has one gradient, the sum, and only that may be squared or clipped."""
    rows, position = tf.unique(g.indices)
    return tf.IndexedSlices(tf.math.unsorted_segment_sum(g.values, position, tf.size(rows)), rows, g.dense_shape)


def scaled(g: Any, factor: tf.Tensor) -> Any:
    """Returns a dense or sparse gradient multiplied by a scalar."""
    if isinstance(g, tf.IndexedSlices):
        return tf.IndexedSlices(scaled(g.values, factor), g.indices, g.dense_shape)
    return g * tf.cast(factor, g.dtype)


def hyperparameters(optimizer: Any, step: Any, numbers: Any, rate: Any) -> SimpleNamespace:
    """Returns the hyperparameters of one step as Scalars, or None if disabled; computed once for all variables.

    `common_rate` is the learning rate without the factor of a group.

    Args:
        optimizer: whose fields they are.
        step: int64 tensor, completed updates; schedules see it, the rule sees `t = step + 1`.
        numbers: float64 scalars, the current value of every number field; those of groups may follow.
        rate: the learning-rate variable's value, or None under a schedule.
    """
    dtype = tf.float32 if portable(optimizer) else tf.float64
    h = SimpleNamespace(t=Scalar(tf.cast(step, dtype)) + 1, zero=Scalar(0.0))
    for (name, value), number in zip(optimizer.numbers().items(), numbers, strict=False):
        setattr(h, name, _present(name, value, number, step, dtype))
    for name in optimizer.without:
        setattr(h, name, Scalar(1.0))
    h.weight_decay = _decay(optimizer, h.weight_decay)
    for name in set(optimizer.excludable) - vars(h).keys():
        setattr(h, name, Scalar(1.0))
    if rate is not None and dtype == tf.float64:
        # The variable is float32, as in Keras, and others assign it. As long as it is the declared number rounded,
        # the declared number is meant.
        kept = tf.equal(h.learning_rate.cast(rate.dtype), rate)
        h.learning_rate = choose(kept, h.learning_rate, Scalar(tf.cast(rate, dtype)))
    elif rate is not None:
        h.learning_rate = Scalar(rate)
    h.common_rate = h.learning_rate
    return h


def in_group(optimizer: Any, group: Group, step: Any, numbers: Any, h: SimpleNamespace) -> SimpleNamespace:
    """Returns the hyperparameters of a group: those of the optimizer, `h`, but for the numbers of its own.

    Args:
        optimizer: whose group it is.
        group: as in `Runtime.groups`.
        step: as in `hyperparameters`.
        numbers: as in `hyperparameters`, with those of all groups.
        h: hyperparameters of the optimizer.
    """
    groups, own = optimizer.given("groups") or {}, SimpleNamespace(**vars(h))
    known: list[Any] = places(groups)
    for name, value in own_numbers(groups, group).items():
        place = known.index((group[0], name)) - len(known) if value is not None else 0
        now = _present(name, value, numbers[place], step, h.t.value.dtype)
        setattr(own, name, h.learning_rate * now if name == "learning_rate" else now)
    own.weight_decay = _decay(optimizer, own.weight_decay)
    return own


def _decay(optimizer: Any, present: Scalar | None) -> Scalar | None:
    """Returns the weight decay that the rule sees: a number, if it applies it itself."""
    return Scalar(0.0) if present is None and optimizer.own_decay else present


def trains(optimizer: Any, variable: Any) -> tf.Tensor | None:
    """Returns whether a group trains a variable, a boolean that a traced step reads each time; None: always."""
    optimizer = optimizer._part_of(path_of(optimizer, variable))
    pattern, _ = group_of(optimizer, variable)
    groups = optimizer.given("groups") or {}
    if pattern is None or "trainable" not in groups[pattern]:
        return None
    place = places(groups).index((pattern, "trainable")) + len(optimizer.numbers())
    return optimizer._runtime.numbers.value[place] > 0


def _present(name: str, value: Any, number: Any, step: Any, dtype: tf.DType) -> Scalar | None:
    """Returns the present value of a number, from its schedule if it has one."""
    if value is None or not callable(value):
        return None if value is None else Scalar(number)
    scheduled: Any = value(step if dtype == tf.float64 else tf.cast(step, dtype))
    if scheduled is None:
        raise ValueError(f"{name}: the schedule {type(value).__name__} returned None; it must return a number.")
    scheduled = tf.cast(scheduled, dtype)
    if scheduled.shape.rank and scheduled.shape.num_elements() != 1:
        raise ValueError(
            f"{name}: the schedule {type(value).__name__} returned the shape {tuple(scheduled.shape)}; it must return "
            "one number."
        )
    return Scalar(tf.reshape(scheduled, []) if scheduled.shape.rank else scheduled)


def portable(optimizer: Any) -> bool:
    """Returns whether a step is traced for an export, and needs no float64.

    TFLite, to which a SavedModel may be converted, has no arithmetic in float64. What is constant in a step it computes
    beforehand, in float64 too; what is not, such as the correction by the step's number, is left to float32.

    Traced for an export is what `tf.saved_model.save` traces, and what TensorFlow's guides export: a method of a
    `tf.Module` whose arguments are fixed, by an `input_signature` or by `get_concrete_function`.
    """
    if tf.executing_eagerly() or any(v.dtype in ("float64", tf.float64) for v in optimizer._trainable_variables):
        return False
    is_fixed = in_module = False
    for name, caller in _callers():
        if name == _SAVE:
            return True
        in_module |= isinstance(caller, tf.Module)
        is_fixed |= name == _CONCRETE or (isinstance(caller, _Function) and caller.input_signature is not None)
    return is_fixed and in_module


def traced_for_export() -> bool:
    """Returns whether `tf.saved_model.save` may write what is traced now.

    It writes what it traces itself, what `get_concrete_function` traced, and what was traced of methods of a
    `tf.Module`.
    """
    nearest = None
    for name, caller in _callers():
        if name in (_SAVE, _CONCRETE):
            return True
        if nearest is None and isinstance(caller, _Function | tf.Module):  # a module may call a function
            nearest = caller
    return isinstance(nearest, tf.Module)


def _callers() -> Iterator[tuple[str, Any]]:
    """Yields the functions that are running, innermost first: name, or `_SAVE` in that module, and `self` or None."""
    frame = inspect.currentframe()
    while frame is not None:
        is_save = frame.f_globals.get("__name__") == _SAVE
        yield _SAVE if is_save else frame.f_code.co_name, frame.f_locals.get("self")
        frame = frame.f_back


_Function = type(tf.function(lambda: None))
_SAVE, _CONCRETE = "tensorflow.python.saved_model.save", "get_concrete_function"
