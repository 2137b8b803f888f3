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

import keras
import tensorflow as tf

from tfoptim import execute
from tfoptim.ops import Scalar


def run(optimizer: Any, grads: Sequence[Any], variables: Sequence[Any] | None) -> None:
    """Applies gradients to variables: the body of `Optimizer.apply`, called in replica context."""
    replica = tf.distribute.get_replica_context()
    if replica is None:
        raise ValueError("apply() needs a replica context: call it inside strategy.run().")
    grads, variables = match(optimizer, grads, variables)
    grads, variables = drop_missing(optimizer, grads, variables)
    check(grads, variables)
    grads, variables = overwrite(optimizer, grads, variables)
    grads = [
        prepare(g, v, optimizer.loss_scale_factor) for g, v in zip(grads, variables, strict=True)
    ]
    if optimizer.gradient_accumulation_steps:
        grads = add_accumulated(optimizer, grads, variables)
    replica.merge_call(across_replicas, args=(optimizer, grads), kwargs={"variables": variables})


# In each replica


def match(
    optimizer: Any, grads: Sequence[Any], variables: Sequence[Any] | None
) -> tuple[list[Any], list[Any]]:
    """Pairs gradients with variables, building the optimizer on its first call."""
    grads = list(grads)
    if variables is None:
        if not optimizer.built:
            raise ValueError(
                "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
                "Call `optimizer.build(trainable_variables)` first."
            )
        variables = optimizer._trainable_variables
    variables = list(variables)
    if len(grads) != len(variables):
        raise ValueError(
            f"{optimizer.name}: got {len(grads)} gradients for {len(variables)} variables."
        )
    if not optimizer.built:
        optimizer.build(variables)
    optimizer._check_variables_are_known(variables)
    return grads, variables


def drop_missing(
    optimizer: Any, grads: list[Any], variables: list[Any]
) -> tuple[list[Any], list[Any]]:
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
            tf.zeros(v.shape, v.dtype)
            if g is None and optimizer._var_key(v) in optimizer._has_had_gradient
            else g
            for g, v in zip(grads, variables, strict=True)
        ]
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]


def check(grads: list[Any], variables: list[Any]) -> None:
    """Refuses gradients that do not fit their variable; nothing is broadcast, nothing applied twice."""
    seen: set[int] = set()
    for g, v in zip(grads, variables, strict=True):
        if id(v) in seen:
            raise ValueError(f"Variable {path(v)} is given twice.")
        seen.add(id(v))
        if not g.dtype.is_floating:
            raise TypeError(
                f"The gradient of {path(v)} must be a float tensor, got dtype {g.dtype.name}."
            )
        sparse = isinstance(g, tf.IndexedSlices)
        wanted, got = (v.shape[1:], g.values.shape[1:]) if sparse else (v.shape, g.shape)
        if not tf.TensorShape(wanted).is_compatible_with(got):
            raise ValueError(
                f"The gradient of {path(v)} must have the variable's shape {tuple(wanted)}, got {tuple(got)}"
                f"{' per row' if sparse else ''}."
            )


def overwrite(
    optimizer: Any, grads: list[Any], variables: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Assigns the "gradients" of float8 scaling factors, which are their new values, and takes them out of the step."""
    return optimizer._overwrite_variables_directly_with_gradients(grads, variables)  # type: ignore[no-any-return]


def prepare(g: Any, v: Any, scale: Any) -> Any:
    """Returns the gradient in compute precision, repeated rows summed, the loss scale divided out; always a new tensor.

    New, because a tensor that two replicas share would count once in the reduction instead of twice.
    """
    dtype = execute.compute_dtype(v.dtype)
    if isinstance(g, tf.IndexedSlices):
        g = sum_rows(
            tf.IndexedSlices(
                tf.cast(g.values, dtype), tf.convert_to_tensor(g.indices), g.dense_shape
            )
        )
    else:
        g = tf.identity(tf.cast(g, dtype))
    return g if scale is None else on_values(g, lambda values: values / tf.cast(scale, dtype))


def sum_rows(g: tf.IndexedSlices) -> tf.IndexedSlices:
    """Sums repeated rows: a row looked up twice has one gradient, the sum, and only that may be squared or clipped."""
    rows, position = tf.unique(g.indices)
    return tf.IndexedSlices(
        tf.math.unsorted_segment_sum(g.values, position, tf.size(rows)), rows, g.dense_shape
    )


def on_values(g: Any, function: Any) -> Any:
    """Applies a function to the values of a dense or sparse gradient."""
    if isinstance(g, tf.IndexedSlices):
        return tf.IndexedSlices(function(g.values), g.indices, g.dense_shape)
    return function(g)


def add_accumulated(optimizer: Any, grads: list[Any], variables: list[Any]) -> list[Any]:
    """Adds what earlier calls of the cycle have collected in this replica."""
    sums = accumulators(optimizer, variables)
    return [tf.convert_to_tensor(g) + total for g, total in zip(grads, sums, strict=True)]


# Once for all replicas


def across_replicas(strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any]) -> None:
    """Takes the step, or on all but the last call of an accumulation cycle stores the sums, and counts."""
    calls, k = optimizer._iterations.value, optimizer.gradient_accumulation_steps or 1
    before = tf.convert_to_tensor(local(strategy, calls))
    if k == 1:
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
        strategy.extended.update(
            total, lambda var, value: var.assign(value), args=(g,), group=False
        )
    return tf.constant(1, tf.int64)


def complete(
    strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any], step: tf.Tensor
) -> tf.Tensor:
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
            tf.debugging.Assert(
                finite, [f"{optimizer.name}: a gradient is not finite (nonfinite='raise')."]
            )
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


def all_finite(grads: list[Any]) -> tf.Tensor:
    """Returns one verdict over all gradients; a NaN of any replica is in the sum."""
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in grads]
    return tf.reduce_all(tf.stack([tf.reduce_all(tf.math.is_finite(v)) for v in values]))


# On each device


def update_devices(
    strategy: Any, optimizer: Any, grads: list[Any], variables: list[Any], step: tf.Tensor
) -> None:
    """Runs the update once per device, with one set of hyperparameters for all variables."""
    h = hyperparameters(strategy, optimizer, step)
    once(strategy, optimizer, h)
    averages = (
        zip(optimizer._trainable_variables, optimizer._model_variables_moving_average)
        if optimizer.use_ema
        else ()
    )
    averages = [(raw(v), raw(a)) for v, a in averages if a is not None]
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


def hyperparameters(strategy: Any, optimizer: Any, step: tf.Tensor) -> Any:
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
    s = execute.Slots(
        {name: Scalar(tf.cast(local(strategy, v), tf.float64)) for name, v in variables.items()}
    )
    optimizer.once(h, s)
    for name, v in variables.items():
        value = getattr(s, name).cast(v.dtype)
        strategy.extended.update(
            v, lambda var, new: optimizer.assign(var, new), args=(value,), group=False
        )


def mean(optimizer: Any, strategy: Any, g: Any) -> Any:
    """Takes the mean over accumulated calls; reducing has joined the replicas' rows, so they are summed again."""
    if isinstance(g, tf.IndexedSlices) and strategy.num_replicas_in_sync > 1:
        g = sum_rows(g)
    k = optimizer.gradient_accumulation_steps
    return g / tf.cast(k, g.dtype) if k else g


def clip(optimizer: Any, h: Any, grads: list[Any]) -> list[Any]:
    """Clips by value, by each variable's norm, or by the norm of all gradients together."""
    if h.clipvalue is not None:
        return [
            on_values(
                g,
                lambda x: tf.clip_by_value(
                    x, -h.clipvalue.cast(x.dtype), h.clipvalue.cast(x.dtype)
                ),
            )
            for g in grads
        ]
    if h.clipnorm is not None:
        return [scale_to(g, tf.sqrt(sum_of_squares(g)), h.clipnorm) for g in grads]
    if h.global_clipnorm is not None:
        norm = tf.sqrt(tf.add_n([tf.cast(sum_of_squares(g), tf.float32) for g in grads]))
        return [scale_to(g, norm, h.global_clipnorm) for g in grads]
    return grads


def sum_of_squares(g: Any) -> tf.Tensor:
    """Returns the squared 2-norm of a gradient, a scalar in its precision."""
    return tf.reduce_sum(tf.square(g.values if isinstance(g, tf.IndexedSlices) else g))


def scale_to(g: Any, norm: tf.Tensor, limit: Scalar) -> Any:
    """Shrinks a gradient so that `norm` becomes at most `limit`; an infinite norm gives NaN, not a silent zero."""
    most = limit.cast(norm.dtype)
    factor = most / tf.maximum(norm, most) + (norm - norm)
    return on_values(g, lambda values: values * tf.cast(factor, values.dtype))


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
    keep = tf.where(
        tf.equal(step, 0), tf.zeros([], average.dtype), h.ema_momentum.cast(average.dtype)
    )
    optimizer.assign(average, keep * average + (1 - keep) * tf.cast(weights, average.dtype))


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


# Access to variables


def raw(variable: Any) -> Any:
    """Returns the tf.Variable behind a keras.Variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def local(strategy: Any, value: Any) -> Any:
    """Returns this worker's first copy of a value that is the same on every device."""
    return strategy.experimental_local_results(value)[0]


def path(variable: Any) -> str:
    """Returns the name by which messages call a variable."""
    return str(getattr(variable, "path", variable.name))


def slots(optimizer: Any, variable: Any) -> dict[str, Any]:
    """Returns the slots of a variable, name -> tf.Variable."""
    own = optimizer._slots[optimizer._get_variable_index(variable)]
    return {name: raw(slot) for name, slot in own.items()}


def accumulators(optimizer: Any, variables: list[Any]) -> list[Any]:
    """Returns the sums that the calls of a cycle have collected for these variables."""
    return [
        raw(optimizer._accumulated_gradients[optimizer._get_variable_index(v)]) for v in variables
    ]
