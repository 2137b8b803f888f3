"""The part of a step that runs on each device: clip, decay, rule, constraints, moving average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfoptim.groups import DEFAULT, Group
from tfoptim.scalar import Scalar, host
from tfoptim.state import group_of, slots
from tfoptim.step.gradients import centralize, clip, clip_adaptively, sum_rows
from tfoptim.step.sums import Turn, after_measuring, moved
from tfoptim.update import update
from tfoptim.update.context import Update, hyperparameters, in_group
from tfoptim.variables import local, path, raw, toward


def update_devices(
    strategy: Any,
    optimizer: Any,
    grads: list[Any],
    variables: list[Any],
    step: tf.Tensor,
    present: Sequence[tf.Tensor | None] | None = None,
) -> None:
    """Runs the update once per device, with one set of hyperparameters per group of variables."""
    parts = [optimizer._part_of(path(v)) for v in variables]
    sets = {part: numbers_of(strategy, part, step if part is optimizer else None) for part in optimizer._parts()}
    groups = [group_of(part, v) for part, v in zip(parts, variables, strict=True)]
    limits = [sets[part][group].agc for part, group in zip(parts, groups, strict=True)]
    h = sets[optimizer][DEFAULT]
    averages = averaged(optimizer)
    # What differs between devices is passed as an argument; a list of variables stays a list of wrappers that read and
    # write this device's copy.
    state = [slots(part, v) for part, v in zip(parts, variables, strict=True)]

    def on_device(_: Any, grads: list[Any]) -> None:
        grads = [mean(optimizer, strategy, g) for g in grads]
        grads = [centralize(g) if part.centralize else g for part, g in zip(parts, grads, strict=True)]
        grads = [
            g if agc is None else clip_adaptively(g, v, agc) for g, v, agc in zip(grads, variables, limits, strict=True)
        ]
        there = present or [None] * len(variables)
        turns = list(map(Turn, parts, clip(optimizer, h, grads), variables, state, groups, there))
        own = {part: after_measuring(part, numbers, turns) for part, numbers in sets.items()}
        for turn in turns:
            take(turn, own[turn.optimizer][turn.group])
        for v, a in averages:
            average(optimizer, h, step, v, a)

    strategy.extended.update(raw(variables[0]), on_device, args=(grads,), group=False)
    for part in sets.keys() - {optimizer}:
        strategy.extended.update(part._iterations.value, lambda count: count.assign_add(1), group=False)
    if optimizer.use_ema and optimizer.ema_overwrite_frequency:
        due = tf.equal((step + 1) % optimizer.ema_overwrite_frequency, 0)
        tf.cond(
            due,
            lambda: adopt_average(strategy, optimizer, optimizer._trainable_variables),
            lambda: tf.constant(0),
        )


def take(turn: Turn, h: Any) -> None:
    """Updates one variable and applies its constraint, if it has a gradient."""

    def with_gradient(g: Any) -> list[Any]:
        optimizer, v = turn.optimizer, turn.variable
        update(Update(optimizer, h, g, raw(v), turn.slots, decay(optimizer, h, turn.slots)))
        constrain(optimizer, v)
        return []

    turn.if_present(with_gradient)


def numbers_of(strategy: Any, optimizer: Any, step: tf.Tensor | None) -> dict[Group, Any]:
    """Returns the hyperparameters of this step by group, after what the rule computes once for each.

    A rule that measures the variables computes it on each device, in `after_measuring`.

    Args:
        strategy: of the step.
        optimizer: whose rule runs.
        step: completed updates; None: its own counter has them, as that of a part of another optimizer.
    """
    step = tf.convert_to_tensor(local(strategy, optimizer._iterations.value)) if step is None else step
    sets = read_hyperparameters(strategy, optimizer, step, optimizer._runtime.groups)
    if not optimizer.measures:
        once(strategy, optimizer, sets)
    return sets


def read_hyperparameters(strategy: Any, optimizer: Any, step: tf.Tensor, groups: Sequence[Group]) -> dict[Group, Any]:
    """Reads the hyperparameters of this step from their variables: the optimizer's own, and those of groups."""
    vector = optimizer._runtime.numbers.value
    present = tf.convert_to_tensor(local(strategy, vector))
    rate = getattr(optimizer._learning_rate, "value", None)
    rate = None if rate is None else tf.convert_to_tensor(local(strategy, rate))
    with host():
        numbers = tf.unstack(present, vector.shape[0])
        h = hyperparameters(optimizer, step, numbers, rate)
        return {DEFAULT: h} | {
            g: in_group(optimizer, g, step, numbers, h) for g in dict.fromkeys(groups) if g != DEFAULT
        }


def once(strategy: Any, optimizer: Any, sets: Mapping[Group, Any]) -> None:
    """Runs the rule's computations shared by all variables of a group, and stores the optimizer's shared state.

    Shared state is one per optimizer: it moves by the optimizer's own numbers, and every group reads it as it was.
    """
    variables = {name: raw(v) for name, v in optimizer._runtime.shared.items()}
    present = {name: local(strategy, v) for name, v in variables.items()}
    for name, value in moved(optimizer, sets, present).items():
        v = variables[name]
        strategy.extended.update(v, optimizer.assign, args=(value.cast(v.dtype),), group=False)


def mean(optimizer: Any, strategy: Any, g: Any) -> Any:
    """Divides by the number of accumulated calls; rows joined from replicas are summed again."""
    if isinstance(g, tf.IndexedSlices) and strategy.num_replicas_in_sync > 1:
        g = sum_rows(g)
    k = optimizer.gradient_accumulation_steps
    return g / tf.cast(k, g.dtype) if k else g


def decay(optimizer: Any, h: Any, s: Any) -> Any:
    """Returns the fraction of the weights that the pipeline takes off, or None."""
    share = None if optimizer.own_decay else optimizer.decay_of(h, s)
    return None if share is None else h.learning_rate * share


def constrain(optimizer: Any, v: Any) -> None:
    """Applies the variable's constraint to the new weights."""
    if getattr(v, "constraint", None) is not None:
        optimizer.assign(raw(v), v.constraint(tf.convert_to_tensor(raw(v))))


def average(optimizer: Any, h: Any, step: tf.Tensor, weights: Any, average: Any) -> None:
    """Moves the average towards the new weights; the first step copies them."""
    share = tf.cast((1 - h.ema_momentum).value, h.t.value.dtype)
    toward(average, tf.cast(weights, average.dtype), Scalar(tf.where(tf.equal(step, 0), tf.ones_like(share), share)))


def averaged(optimizer: Any) -> list[tuple[Any, Any]]:
    """Returns the trainable variables that have a moving average, each with its average."""
    if not optimizer.use_ema:
        return []
    pairs = zip(optimizer._trainable_variables, optimizer._runtime.averages, strict=True)
    return [(raw(v), raw(a)) for v, a in pairs if a is not None]


def adopt_average(strategy: Any, optimizer: Any, variables: Sequence[Any]) -> tf.Tensor:
    """Copies the averaged weights into the weights."""

    def adopt(_: Any, v: Any) -> None:
        optimizer.assign(raw(v), optimizer.average_weights([v])[0])

    for v in variables:
        strategy.extended.update(raw(v), adopt, kwargs={"v": v}, group=False)
    return tf.constant(0)
