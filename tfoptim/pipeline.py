"""One step, stage by stage, for one device or many.

In each replica:       match, drop missing, check, prepare (sum repeated rows, unscale), add what was accumulated.
Once for all replicas: reduce, look for non-finite values, count.
On each device:        clip, decay, rule, constraints, moving average.

Conditionals stand in cross-replica context, where they may contain reductions and updates; in replica context
TensorFlow refuses them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfoptim import execute
from tfoptim.ops import Scalar
from tfoptim.stages import all_finite, check, clip, prepare, sum_rows, tensor
from tfoptim.state import accumulators, local, path, raw, slots


def run(optimizer: Any, grads: Sequence[Any], variables: Sequence[Any] | None) -> None:
    """Applies gradients to variables: the body of `Optimizer.apply`, called in replica context."""
    replica = tf.distribute.get_replica_context()
    if replica is None:
        raise ValueError("apply() needs a replica context: call it inside strategy.run().")
    grads, variables = match(optimizer, grads, variables)
    grads, variables = drop_missing(optimizer, grads, variables)
    check(grads, variables)
    grads, variables = overwrite(optimizer, grads, variables)
    grads = [prepare(g, v, optimizer.loss_scale_factor) for g, v in zip(grads, variables, strict=True)]
    if optimizer.gradient_accumulation_steps:
        grads = add_accumulated(optimizer, grads, variables)
    replica.merge_call(lambda strategy, grads: across_replicas(strategy, optimizer, grads, variables), args=(grads,))


# In each replica


def match(optimizer: Any, grads: Sequence[Any], given: Sequence[Any] | None) -> tuple[list[Any], list[Any]]:
    """Pairs gradients with variables, building the optimizer on its first call."""
    if given is None and not optimizer.built:
        raise ValueError(
            "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
            "Call `optimizer.build(trainable_variables)` first."
        )
    grads = [None if g is None else tensor(g) for g in grads]
    variables = list(optimizer._trainable_variables if given is None else given)
    if len(grads) != len(variables):
        raise ValueError(f"{optimizer.name}: got {len(grads)} gradients for {len(variables)} variables.")
    if not optimizer.built:
        optimizer.build(variables)
    optimizer._check_variables_are_known(variables)
    return grads, variables


def drop_missing(optimizer: Any, grads: list[Any], variables: list[Any]) -> tuple[list[Any], list[Any]]:
    """Leaves out variables without gradient, and says so."""
    missing = [path(v) for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(grads):
        raise ValueError(f"No gradients provided for any variable: {', '.join(missing[:5])}.")
    if missing:
        warnings.warn(
            f"Gradients do not exist for variables {missing} when minimizing the loss. If using `model.compile()`, did "
            "you forget to provide a `loss` argument?",
            stacklevel=4,
        )
    if optimizer.gradient_accumulation_steps:
        # A variable that had a gradient in an earlier call keeps its sum: this call adds nothing to it.
        optimizer._has_had_gradient.update(
            optimizer._var_key(v) for g, v in zip(grads, variables, strict=True) if g is not None
        )
        grads = [
            tf.zeros(v.shape, v.dtype) if g is None and optimizer._var_key(v) in optimizer._has_had_gradient else g
            for g, v in zip(grads, variables, strict=True)
        ]
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]


def overwrite(optimizer: Any, grads: list[Any], variables: list[Any]) -> tuple[list[Any], list[Any]]:
    """Assigns the "gradients" of float8 scaling factors, which are their new values, and takes them out of the step."""
    return optimizer._overwrite_variables_directly_with_gradients(grads, variables)  # type: ignore[no-any-return]


def add_accumulated(optimizer: Any, grads: list[Any], variables: list[Any]) -> list[Any]:
    """Adds what earlier calls of the cycle have collected in this replica."""
    sums = accumulators(optimizer, variables)
    return [tf.convert_to_tensor(g) + total for g, total in zip(grads, sums, strict=True)]


# Once for all replicas


def across_replicas(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any]) -> None:
    """Takes the step, or on all but the last call of an accumulation cycle stores the sums, and counts."""
    calls, k = optimizer._iterations.value, optimizer.gradient_accumulation_steps or 1
    before = tf.convert_to_tensor(local(strategy, calls))
    if not variables:
        advance = tf.constant(1, tf.int64)  # there were only float8 scaling factors
    elif k == 1:
        advance = complete(strategy, optimizer, grads, variables, before)
    else:
        advance = tf.cond(
            tf.equal(before % k, k - 1),
            lambda: complete(strategy, optimizer, grads, variables, before // k),
            lambda: collect(strategy, optimizer, grads, variables),
        )
    strategy.extended.update(calls, lambda count: count.assign_add(advance), group=False)


def collect(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any]) -> tf.Tensor:
    """Stores the sums so far, one set per replica."""
    for total, g in zip(accumulators(optimizer, variables), grads, strict=True):
        strategy.extended.update(total, lambda var, value: var.assign(value), args=(g,), group=False)
    return tf.constant(1, tf.int64)


def complete(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any], step: tf.Tensor) -> tf.Tensor:
    """Reduces the gradients and updates every device; returns by how much the call counter advances."""
    grads = reduce(strategy, grads, variables)
    go_back = tf.constant(1 - (optimizer.gradient_accumulation_steps or 1), tf.int64)

    def take() -> tf.Tensor:
        update_devices(strategy, optimizer, grads, variables, step)
        return tf.constant(1, tf.int64)

    if optimizer.nonfinite == "propagate":
        advance = take()
    else:
        finite = all_finite([local(strategy, g) for g in grads])
        if optimizer.nonfinite == "raise":
            tf.debugging.Assert(finite, [f"{optimizer.name}: a gradient is not finite (nonfinite='raise')."])
        advance = tf.cond(finite, take, lambda: go_back)
    if optimizer.gradient_accumulation_steps:
        for total in accumulators(optimizer, optimizer._trainable_variables):
            strategy.extended.update(total, lambda var: var.assign(tf.zeros_like(var)), group=False)
    return advance


def reduce(strategy: Any, grads: list[Any], variables: list[Any]) -> list[Any]:
    """Sums the gradients of all replicas in one collective operation.

    Summed, not averaged: `fit` has already divided the loss by the number of replicas.
    """
    if strategy.num_replicas_in_sync == 1:
        return grads
    pairs = list(zip(grads, [raw(v) for v in variables], strict=True))
    return list(strategy.extended.batch_reduce_to(tf.distribute.ReduceOp.SUM, pairs))


# On each device


def update_devices(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any], step: tf.Tensor) -> None:
    """Runs the update once per device, with one set of hyperparameters for all variables."""
    h = read_hyperparameters(strategy, optimizer, step)
    once(strategy, optimizer, h)
    averages = averaged(optimizer)
    # What differs between devices is passed as an argument; a list of variables stays a list of wrappers that read and
    # write this device's copy.
    state = [slots(optimizer, v) for v in variables]

    def on_device(_: Any, grads: list[Any]) -> None:
        grads = [mean(optimizer, strategy, g) for g in grads]
        for g, v, s in zip(clip(optimizer, h, grads), variables, state, strict=True):
            execute.update(optimizer, h, g, raw(v), s, decay(optimizer, h, v))
            constrain(optimizer, v)
        for v, a in averages:
            average(optimizer, h, step, v, a)

    strategy.extended.update(raw(variables[0]), on_device, args=(grads,), group=False)
    if optimizer.use_ema and optimizer.ema_overwrite_frequency:
        due = tf.equal((step + 1) % optimizer.ema_overwrite_frequency, 0)
        tf.cond(
            due,
            lambda: adopt_average(strategy, optimizer, optimizer._trainable_variables),
            lambda: tf.constant(0),
        )


def read_hyperparameters(strategy: Any, optimizer: Any, step: tf.Tensor) -> Any:
    """Reads the hyperparameters of this step from their variables."""
    numbers = tf.convert_to_tensor(local(strategy, optimizer._numbers.value))
    rate = getattr(optimizer._learning_rate, "value", None)
    return execute.hyperparameters(
        optimizer,
        step,
        numbers,
        None if rate is None else tf.convert_to_tensor(local(strategy, rate)),
    )


def once(strategy: Any, optimizer: Any, h: Any) -> None:
    """Runs the rule's computations that are the same for all variables, and stores its shared state."""
    variables = {name: raw(v) for name, v in optimizer._shared.items()}
    s = execute.Slots({name: Scalar(tf.cast(local(strategy, v), tf.float64)) for name, v in variables.items()})
    optimizer.once(h, s)
    for name, v in variables.items():
        strategy.extended.update(v, optimizer.assign, args=(getattr(s, name).cast(v.dtype),), group=False)


def mean(optimizer: Any, strategy: Any, g: Any) -> Any:
    """Takes the mean over accumulated calls; reducing has joined the replicas' rows, so they are summed again."""
    if isinstance(g, tf.IndexedSlices) and strategy.num_replicas_in_sync > 1:
        g = sum_rows(g)
    k = optimizer.gradient_accumulation_steps
    return g / tf.cast(k, g.dtype) if k else g


def decay(optimizer: Any, h: Any, v: Any) -> Any:
    """Returns the share of the weights that this step takes off, or None."""
    if h.weight_decay is None or not optimizer._use_weight_decay(v):
        return None
    return h.learning_rate * h.weight_decay


def constrain(optimizer: Any, v: Any) -> None:
    """Applies the variable's constraint to the new weights."""
    if getattr(v, "constraint", None) is not None:
        optimizer.assign(raw(v), v.constraint(tf.convert_to_tensor(raw(v))))


def average(optimizer: Any, h: Any, step: tf.Tensor, weights: Any, average: Any) -> None:
    """Moves the average towards the new weights; the first step copies them."""
    keep = tf.where(tf.equal(step, 0), tf.zeros([], average.dtype), h.ema_momentum.cast(average.dtype))
    optimizer.assign(average, keep * average + (1 - keep) * tf.cast(weights, average.dtype))


def averaged(optimizer: Any) -> list[tuple[Any, Any]]:
    """Returns each trainable variable that has a moving average, with it."""
    if not optimizer.use_ema:
        return []
    pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
    return [(raw(v), raw(a)) for v, a in pairs if a is not None]


def adopt_average(strategy: Any, optimizer: Any, variables: Sequence[Any]) -> tf.Tensor:
    """Copies the average into the weights, which must then meet their constraints again."""

    def adopt(_: Any, v: Any, a: Any) -> None:
        optimizer.assign(raw(v), tf.convert_to_tensor(raw(a)))
        constrain(optimizer, v)

    for v in variables:
        a = optimizer._model_variables_moving_average[optimizer._get_variable_index(v)]
        if a is not None:
            strategy.extended.update(raw(v), adopt, kwargs={"v": v, "a": a}, group=False)
    return tf.constant(0)
