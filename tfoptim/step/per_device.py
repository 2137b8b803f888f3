"""The part of a step that runs on each device: clip, decay, rule, constraints, moving average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from tfoptim.groups import DEFAULT, Group
from tfoptim.scalar import Scalar, host
from tfoptim.state import group_of, path_of, slots
from tfoptim.step.gradients import centralize, clip, clip_adaptively
from tfoptim.step.sums import Turn, after_measuring, moved
from tfoptim.update import update
from tfoptim.update.context import Update, hyperparameters, in_group, scaled, sum_rows
from tfoptim.variables import local, raw, toward


def update_devices(
    strategy: Any,
    optimizer: Any,
    grads: list[Any],
    variables: list[Any],
    step: tf.Tensor,
    present: Sequence[tf.Tensor | None] | None = None,
    repeated: bool = False,
) -> None:
    """Runs the update once per device, with one set of hyperparameters per group of variables.

    Args:
        strategy: of the step.
        optimizer: whose step it is.
        grads: reduced gradients, one per variable.
        variables: in the same order.
        step: completed updates.
        present: as in `pipeline.run`.
        repeated: whether rows of sparse gradients may be repeated.
    """
    parts = [optimizer._part_of(path_of(optimizer, v)) for v in variables]
    sets = {part: numbers_of(strategy, part, step) for part in optimizer._parts()}
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
        grads, factors = clip(optimizer, h, grads, variables)
        turns = map(Turn, parts, grads, variables, state, groups, present or [None] * len(variables))
        pairs = list(map(applied, turns, factors))
        own = {part: after_measuring(part, numbers, [turn for turn, _ in pairs]) for part, numbers in sets.items()}
        share = ema_share(h, step) if averages else h.zero
        passing = movable(averages, variables)
        updates = [
            update_of(turn, own[turn.optimizer][turn.group], factor, repeated=repeated, share=share, average=average)
            for (turn, factor), average in zip(pairs, passing, strict=True)
        ]
        for v, a in take([turn for turn, _ in pairs], updates, averages):
            toward(a, tf.cast(v, a.dtype), share)

    strategy.extended.update(raw(variables[0]), on_device, args=(grads,), group=False)
    for part in sets.keys() - {optimizer}:
        strategy.extended.update(part._iterations.value, lambda count: count.assign(step + 1), group=False)
    if optimizer.use_ema and optimizer.ema_overwrite_frequency:
        due = tf.equal((step + 1) % optimizer.ema_overwrite_frequency, 0)
        tf.cond(
            due,
            lambda: adopt_average(strategy, optimizer, optimizer._trainable_variables),
            lambda: tf.constant(0),
        )


def applied(turn: Turn, factor: Any) -> tuple[Turn, Any]:
    """Returns a turn and the factor that is left to its update, which may apply it in passing.

    None is left where something sees the gradient before: a rule that measures, or a condition.
    """
    if factor is None or not (turn.optimizer.measures or turn.present is not None):
        return turn, factor
    return replace(turn, gradient=scaled(turn.gradient, factor)), None


def update_of(turn: Turn, h: Any, factor: Any, **around: Any) -> Update:
    """Returns the inputs of a turn's update; `around` are those that no turn has."""
    its_decay = decay(turn.optimizer, h, turn.slots)
    return Update(turn.optimizer, h, turn.gradient, raw(turn.variable), turn.slots, its_decay, factor, **around)


def take(turns: Sequence[Turn], updates: Sequence[Update], averages: list[Any]) -> list[Any]:
    """Updates the variables that have a gradient, and applies their constraints.

    Returns:
        Those of `averages` that are still to be moved: pairs of a variable and its average.
    """
    sure = [u for turn, u in zip(turns, updates, strict=True) if turn.present is None]
    done = {id(u.variable) for u in sure} - {id(u.variable) for u in update(sure)}
    for turn, u in zip(turns, updates, strict=True):
        if turn.present is None:
            constrain(u.optimizer, turn.variable)
        else:
            take_if_present(turn, u)
    return [(v, a) for v, a in averages if id(v) not in done]


def take_if_present(turn: Turn, u: Update) -> None:
    """Updates one variable and applies its constraint, if it has a gradient, known only at run time."""

    def with_gradient(g: Any) -> list[Any]:
        update([replace(u, gradient=g, average=None, decay=decay(u.optimizer, u.h, u.slots))])
        constrain(u.optimizer, turn.variable)
        return []

    turn.if_present(with_gradient)


def numbers_of(strategy: Any, optimizer: Any, step: tf.Tensor) -> dict[Group, Any]:
    """Returns the hyperparameters of this step by group, after what the rule computes once for each.

    A rule that measures the variables computes it on each device, in `after_measuring`.

    Args:
        strategy: of the step.
        optimizer: whose rule runs.
        step: completed updates; of a part, those of the whole.
    """
    sets = read_hyperparameters(strategy, optimizer, step, optimizer._runtime.groups)
    if not optimizer.measures:
        once(strategy, optimizer, sets)
    return sets


def read_hyperparameters(strategy: Any, optimizer: Any, step: tf.Tensor, groups: Sequence[Group]) -> dict[Group, Any]:
    """Reads the hyperparameters of this step from their variables: the optimizer's own, and those of groups."""
    vector = optimizer._runtime.numbers.value
    present = tf.convert_to_tensor(local(strategy, vector))
    own = optimizer._learning_rate
    rate = tf.convert_to_tensor(local(strategy, own.value)) if isinstance(own, keras.Variable) else None
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


def ema_share(h: Any, step: tf.Tensor) -> Scalar:
    """Returns by what share of the way the averages move towards the new weights; the first step copies them."""
    share = tf.cast((1 - h.ema_momentum).value, h.t.value.dtype)
    return Scalar(tf.where(tf.equal(step, 0), tf.ones_like(share), share))


def movable(averages: list[tuple[Any, Any]], variables: Sequence[Any]) -> list[Any]:
    """Returns of each variable the average that can move in the pass of its update, or None.

    Where a constraint comes after the update, the average moves after that.
    """
    known = {id(weights): average for weights, average in averages}
    return [None if getattr(v, "constraint", None) is not None else known.get(id(raw(v))) for v in variables]


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
