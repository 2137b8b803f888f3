"""One step, stage by stage, for one device or many.

In each replica:       match, drop missing, check, prepare (sum repeated rows, unscale), add what was accumulated.
Once for all replicas: reduce, look for non-finite values, count.
                       start the slots that start from the weights, in the first update (`tfoptim.step.starts`).
On each device:        clip, decay, rule, constraints, moving average (`tfoptim.step.per_device`).

Conditionals stand in cross-replica context, where they may contain reductions and updates; in replica context
TensorFlow refuses them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfoptim.state import accumulators
from tfoptim.step import own_average, verdict
from tfoptim.step.accumulation import add_accumulated, both, collect, collected
from tfoptim.step.gradients import Present, all_finite, check, drop_frozen, prepare, tensor
from tfoptim.step.per_device import update_devices
from tfoptim.step.starts import start
from tfoptim.step.verdict import Judge
from tfoptim.update.context import portable, trains
from tfoptim.variables import local, path, raw


def run(
    optimizer: Any,
    grads: Sequence[Any],
    variables: Sequence[Any] | None,
    scale: Any = None,
    judge: Judge | None = None,
    present: Present | None = None,
) -> None:
    """Applies gradients to variables: the body of `Optimizer.apply`, called in replica context.

    Args:
        optimizer: whose step it is.
        grads: gradients, one per variable, None where there is none.
        variables: the variables in the same order; None: those the optimizer was built with.
        scale: what the loss was multiplied by, if it is not the optimizer's own `loss_scale_factor`.
        judge: if given, steps that are not finite are skipped, and it hears of each verdict.
        present: if given, all gradients are, and this says of each whether it is one: where not, it is only zeros.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None:
        raise ValueError("apply() needs a replica context: call it inside strategy.run().")
    judge = judge or verdict.of_keras(optimizer)
    grads, variables = match(optimizer, grads, variables)
    if present is None:
        grads, variables = drop_missing(optimizer, grads, variables)
    check(grads, variables)
    grads, variables = overwrite(optimizer, grads, variables)
    scale = optimizer.now("loss_scale_factor") if scale is None else scale
    repeated = rows_may_repeat(replica.num_replicas_in_sync, optimizer, judge)
    grads = [prepare(g, v, scale, repeated) for g, v in zip(grads, variables, strict=True)]
    here = present
    if optimizer.gradient_accumulation_steps:
        grads, _ = drop_frozen(optimizer, grads, variables, None)
        grads, variables, here = add_accumulated(optimizer, grads, variables, here)
        present = [trains(optimizer, v) for v in variables]
    else:
        grads, present = drop_frozen(optimizer, grads, variables, present)
    replica.merge_call(
        lambda strategy, grads: across_replicas(strategy, optimizer, grads, variables, judge, present, here),
        args=(grads,),
    )


_NO_GRADIENT = "No gradients provided for any variable: {}."

# In each replica


def match(optimizer: Any, grads: Sequence[Any], given: Sequence[Any] | None) -> tuple[list[Any], list[Any]]:
    """Pairs gradients with variables; builds the optimizer on its first call.

    A variable that is neither known nor trainable and has no gradient, such as a statistic of a frozen layer, is left
    out: no step could have moved it.
    """
    if given is None and not optimizer.built:
        raise ValueError(
            "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
            "Call `optimizer.build(trainable_variables)` first."
        )
    variables = list(optimizer._trainable_variables if given is None else given)
    if len(grads) != len(variables):
        raise ValueError(f"{optimizer.name}: got {len(grads)} gradients for {len(variables)} variables.")
    if not optimizer.built:
        optimizer.build(variables)
    known = optimizer._trainable_variables_indices
    found = [(known.get(optimizer._var_key(v)), g, v) for g, v in zip(grads, variables, strict=True)]
    if given is not None and any(position is None for position, _, _ in found):
        found = _without_strangers(optimizer, found)
    found.sort(key=lambda entry: entry[0])
    return [None if g is None else tensor(g) for _, g, _ in found], [v for _, _, v in found]


def _without_strangers(optimizer: Any, found: list[Any]) -> list[Any]:
    """Drops unknown variables that are not trainable; raises for others."""
    strangers = [v for position, _, v in found if position is None]
    for g, v in ((g, v) for position, g, v in found if position is None):
        if g is not None or v.trainable:
            raise ValueError(
                f"Unknown variable: {path(v)}. {optimizer.name} was built for other variables; give all of them to "
                "`build`, or make a new optimizer."
            )
    names = [path(v) for v in strangers]
    if len(strangers) == len(found):
        raise ValueError(_NO_GRADIENT.format(", ".join(names[:5])))
    warn_of_missing(names)
    return [entry for entry in found if entry[0] is not None]


def drop_missing(
    optimizer: Any, grads: list[Any], variables: list[Any], warned: set[str] | None = None
) -> tuple[list[Any], list[Any]]:
    """Drops variables without gradient, with a warning unless their names are in `warned`, to which they are added."""
    missing = [path(v) for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(grads):
        raise ValueError(_NO_GRADIENT.format(", ".join(missing[:5])))
    if warned is None or not warned.issuperset(missing):
        warn_of_missing([name for name in missing if warned is None or name not in warned])
    if warned is not None:
        warned.update(missing)
    return with_gradient(grads, variables)


def with_gradient(grads: list[Any], variables: list[Any]) -> tuple[list[Any], list[Any]]:
    """Returns the existing gradients and their variables."""
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]


def warn_of_missing(paths: list[str]) -> None:
    """Warns, in Keras's words, of variables without gradient."""
    if paths:
        warnings.warn(
            f"Gradients do not exist for variables {paths} when minimizing the loss. If using `model.compile()`, did "
            "you forget to provide a `loss` argument?",
            stacklevel=5,
        )


def overwrite(optimizer: Any, grads: list[Any], variables: list[Any]) -> tuple[list[Any], list[Any]]:
    """Assigns and removes the "gradients" of float8 scaling factors, which are their new values."""
    return optimizer._overwrite_variables_directly_with_gradients(grads, variables)  # type: ignore[no-any-return]


def rows_may_repeat(replicas: int, optimizer: Any, judge: Judge | None) -> bool:
    """Returns whether nothing looks at a sparse gradient before the update: then that sums repeated rows in passing."""
    limits = [optimizer.numbers()[name] for name in ("clipnorm", "clipvalue", "global_clipnorm")]
    judged = judge is not None or optimizer.nonfinite != "propagate"
    return replicas == 1 and not judged and all(limit is None for limit in limits)


# Once for all replicas


def across_replicas(
    strategy: Any,
    optimizer: Any,
    grads: list[Any],
    variables: list[Any],
    judge: Judge | None,
    present: Present | None,
    here: Present | None,
) -> None:
    """Takes the step, or stores the sums on all but the last call of an accumulation cycle; counts the call."""
    calls, k = optimizer._iterations.value, optimizer.gradient_accumulation_steps or 1
    before = tf.convert_to_tensor(local(strategy, calls))
    own_average.leave(optimizer)
    if not variables:
        advance = tf.constant(1, tf.int64)  # only float8 scaling factors
    elif k == 1:
        advance = complete(strategy, optimizer, grads, variables, before, judge, present)
    else:
        assert here is not None
        advance = tf.cond(
            tf.equal(before % k, k - 1),
            lambda: complete(strategy, optimizer, grads, variables, updates(optimizer, before), judge, present, here),
            lambda: collect(strategy, optimizer, grads, variables, here),
        )
    strategy.extended.update(calls, lambda count: count.assign_add(advance), group=False)


def updates(optimizer: Any, calls: tf.Tensor) -> tf.Tensor:
    """Returns the number of updates in a number of calls, by a division that TFLite supports where needed."""
    k = optimizer.gradient_accumulation_steps
    return tf.cast(tf.cast(calls, tf.int32) // k, tf.int64) if portable(optimizer) else calls // k


def complete(
    strategy: Any,
    optimizer: Any,
    grads: list[Any],
    variables: list[Any],
    step: tf.Tensor,
    judge: Judge | None,
    present: Present | None,
    here: Present | None = None,
) -> tf.Tensor:
    """Reduces the gradients and updates every device; returns by how much the call counter advances."""
    grads = reduce(strategy, grads, variables)
    if here is not None and present is not None:
        present = [both(flag, collected(strategy, g, one)) for g, flag, one in zip(grads, present, here, strict=True)]
    repeated = rows_may_repeat(strategy.num_replicas_in_sync, optimizer, judge)
    go_back = tf.constant(1 - (optimizer.gradient_accumulation_steps or 1), tf.int64)

    def take() -> tf.Tensor:
        start(strategy, optimizer, step)
        update_devices(strategy, optimizer, grads, variables, step, present, repeated)
        return tf.constant(1, tf.int64)

    looks = judge is not None or optimizer.nonfinite != "propagate"
    finite = all_finite([local(strategy, g) for g in grads]) if looks else None
    if judge is not None and finite is not None:
        judge(strategy, finite)
    if judge is None and optimizer.nonfinite == "raise":
        said = tf.debugging.Assert(finite, [f"{optimizer.name}: a gradient is not finite (nonfinite='raise')."])
        with tf.control_dependencies([said] if said is not None else []):
            advance = take()  # XLA leaves the assertion out: weights and loss are NaN then, and not a step missing
    else:
        advance = take() if finite is None else tf.cond(finite, take, lambda: go_back)
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
