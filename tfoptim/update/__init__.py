"""Update of variables: the choice of an executor from facts, and the executors, all equal to `dense`.

A rule is pure: hyperparameters, gradient, weights and slots in, new weights and slots out. An executor reads the
variables, runs the rule and assigns what came out.

`native`    our own operation, for many variables at once (`tfoptim.update.kernels.native`), where it was built.
`kernel`    TensorFlow's fused training kernel, where it equals the rule (`tfoptim.update.kernels`).
`compiled`  the rule as one operation of XLA, for large variables, where there is a compiler.
`shared`    the rule as a function traced once for all variables of a shape, for rules of many operations.
`dense`     the rule itself, operation by operation, on the whole variable.
`rows`      the rule itself, on the rows that a sparse gradient touches.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from tfoptim.declaration.overrides import redefines
from tfoptim.declaration.slots import takes_whole_variables
from tfoptim.ops import LARGE
from tfoptim.scalar import Scalar, on_metal
from tfoptim.update import kernels
from tfoptim.update.context import Slots, Update, sum_rows
from tfoptim.variables import compute_dtype


def update(updates: Sequence[Update]) -> list[Update]:
    """Updates variables and their slots in place, each by the chosen executor; one operation takes all it can.

    Returns:
        The updates whose moving average, if they have one, is still to be moved.
    """
    together: dict[Any, list[Update]] = {}
    alone = []
    for u in map(_prepared, updates):
        if u.is_of_nothing:  # not all rules bear maxima and means of nothing
            alone.append(u)
            continue
        found = choose(u)
        if isinstance(found, kernels.Kernel):
            together.setdefault(_batch(u, found), []).append(u)
        else:
            alone.append(u)
            found(u.scaled())
    for (found, *_), batch in together.items():
        found.together(batch)
    batched = [u for batch in together.values() for u in batch]
    return alone + [u for u in batched if u.average is None or isinstance(u.gradient, tf.IndexedSlices)]


def _prepared(u: Update) -> Update:
    """Notes the variables of an update, and makes a sparse gradient dense where its rows do not suffice."""
    for variable in (u.variable, *u.slots.values()):
        watch(variable)
    if isinstance(u.gradient, tf.IndexedSlices) and not rows_suffice(u):
        u = replace(u, gradient=tf.convert_to_tensor(u.gradient))
    if isinstance(u.gradient, tf.Tensor):
        # Of slices made dense, the shape is known when the graph runs; rules read it when it is made.
        u.gradient.set_shape(u.variable.shape)
    return u


def _batch(u: Update, found: kernels.Kernel) -> tuple[Any, ...]:
    """Returns the properties in which the variables of one operation agree."""
    sparse = isinstance(u.gradient, tf.IndexedSlices)
    return found, id(u.optimizer), u.variable.dtype, u.variable.device, sparse, not sparse and u.average is not None


def choose(u: Update) -> kernels.Kernel | Callable[[Update], None]:
    """Returns the executor for an update, from facts: rule, size, dense or sparse, machine; or one for many updates."""
    # A user's `assign` may be impossible in XLA.
    settled = not u.optimizer._runtime.restless
    compiles = settled and u.optimizer.compiles and u.size >= LARGE and can_compile(u)
    compiles = compiles and not redefines(u.optimizer, "assign")
    found = kernels.find(u, metal=on_metal(), single_pass=compiles)
    if found is not None:
        return found if found.together is not None else lambda u: kernel(u, found)
    if isinstance(u.gradient, tf.IndexedSlices):
        return rows
    if compiles and not u.portable:
        return compiled
    return shared if settled and u.optimizer.traced_by_shape and not u.portable and can_share(u) else dense


def rows_suffice(u: Update) -> bool:
    """Returns whether a sparse gradient moves only the rows that it touches."""
    decays = u.decay is not None or u.optimizer.own_decay
    exact = u.optimizer.skips_zero_gradients and not decays and not u.portable and not u.optimizer.cautious
    return (u.optimizer.lazy or exact) and not takes_whole_variables(u.optimizer)


def can_compile(u: Update) -> bool:
    """Returns whether XLA can compile the rule: on one device with a compiler."""
    return platform.system() != "Darwin" and can_share(u) and not watched_by_a_debugger()


def can_share(u: Update) -> bool:
    """Returns whether variables can share a function: on one device, which has TensorFlow's own kernels."""
    numbers_only = all(value is None or isinstance(value, Scalar) for value in vars(u.h).values())
    return not on_metal() and numbers_only and not isinstance(u.variable, tf.distribute.DistributedValues)


def watched_by_a_debugger() -> bool:
    """Returns whether a debugger such as `tf.debugging.enable_check_numerics` adds operations that XLA lacks."""
    with tf.Graph().as_default() as graph:
        tf.sqrt(tf.constant(1.0))
    return len(graph.get_operations()) > 2


def watch(variable: Any) -> None:
    """Marks a variable as used in the graph: `keras.export` saves only those, and kernels use handles."""
    note = getattr(tf.compat.v1.get_default_graph(), "watch_variable", None)
    if note is not None and not isinstance(variable, tf.distribute.DistributedValues):
        note(variable)


# Executors


def kernel(u: Update, found: kernels.Kernel) -> None:
    """Runs TensorFlow's kernel, after decay, which those kernels do not have."""
    assert found.run is not None
    u.optimizer._runtime.fused = True  # from now on, numbers that kernels would round away are refused
    if u.decay is not None:
        u.optimizer.assign_sub(u.variable, u.variable * u.decay)
    found.run(u)


def compiled(u: Update) -> None:
    """Runs `dense` as one operation compiled by XLA for this shape: one pass over memory, in place."""
    _call(u, jit_compile=True)


def shared(u: Update) -> None:
    """Runs `dense` in a function of its own, which variables of the same shape call: one of them is traced."""
    _call(u, experimental_attributes={"_noinline": True})  # inlined, it would be optimized once for each variable


def _call(u: Update, **options: Any) -> None:
    """Runs the function for the variable's shape, which is made with these options of `tf.function` if missing."""
    known = {name: value for name, value in vars(u.h).items() if value is not None}
    group = tuple((name, id(value)) for name, value in known.items())  # alive, and the same, until the step ends
    numbers = u.h.t.once(group, lambda: tf.stack([value.value for value in known.values()]))
    functions = u.optimizer._runtime.compiled
    shapes = tuple((name, tuple(slot.shape)) for name, slot in u.slots.items())
    key = (*known, tuple(u.variable.shape), shapes, u.variable.dtype, u.decay is None, *options)
    if key not in functions:
        functions[key] = tf.function(_step_of(u, tuple(known)), autograph=False, **options)
    functions[key](numbers, u.gradient, u.variable, dict(u.slots))


def _step_of(u: Update, names: tuple[str, ...]) -> Callable[..., None]:
    optimizer, absent = u.optimizer, vars(u.h).keys() - set(names)
    decays = u.decay is not None

    def step(numbers: Any, gradient: Any, variable: Any, slots: Any) -> None:
        h = SimpleNamespace(**dict.fromkeys(absent))
        vars(h).update(zip(names, map(Scalar, tf.unstack(numbers, len(names))), strict=True))
        decay = h.learning_rate * optimizer.decay_of(h, slots) if decays else None
        dense(Update(optimizer, h, gradient, variable, slots, decay))

    return step


def dense(u: Update) -> None:
    """Runs the rule on the whole variable."""
    slots = {name: tf.convert_to_tensor(slot) for name, slot in u.slots.items()}
    weights, state = _step(u, u.gradient, u.variable, slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, getattr(state, name))
    u.optimizer.assign(u.variable, weights)


def rows(u: Update) -> None:
    """Runs the rule on the rows that the gradient touches; other rows cost nothing."""
    g = sum_rows(u.gradient) if u.repeated else u.gradient
    index = g.indices
    slots = {name: tf.gather(slot, index) for name, slot in u.slots.items()}
    weights, state = _step(u, g.values, tf.gather(u.variable, index), slots)
    for name, slot in u.slots.items():
        u.optimizer.assign(slot, tf.IndexedSlices(getattr(state, name), index))
    u.optimizer.assign(u.variable, tf.IndexedSlices(weights, index))


def _step(u: Update, gradient: Any, weights: Any, slots: Mapping[str, Any]) -> tuple[Any, Slots]:
    weights, state = tf.cast(weights, compute_dtype(u.variable.dtype)), Slots(slots)
    if u.decay is not None:
        weights = weights - weights * u.decay
    return u.optimizer.step(u.h, gradient, weights, state), state
