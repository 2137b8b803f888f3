"""State variables of an optimizer, and their values on disk (`tfoptim.saving.loading`).

Variables of a file and of an optimizer are matched by name, as in `tfoptim.saving.matching`; Keras's files have only
positions, which are used if they fit the rule.

| the file has | the optimizer | what happens |
|---|---|---|
| state of the same variables | is built | all is taken |
| state of its rule | is not built | counters are taken now, the rest at `build`, as below |
| more variables (frozen, quantized, removed since) | is built | what fits is taken, a warning names the rest |
| fewer variables (unfrozen, added since) | is built | the same; the others stay as they are |
| a variable or a slot of another shape | is built | the same |
| none of the variables | is built | nothing is taken, counters neither; a warning |
| more or fewer slots (`amsgrad`, `use_ema`, accumulation) | is built | what both have is taken, a warning |
| no averages, or no slow weights | `use_ema`, `Lookahead` | they start from the weights |
| updates counted without accumulation | accumulates | the counter is set to as many updates |
| a loss scale too (mixed_float16) | scales no loss | the state is taken |
| no loss scale | scales the loss | the inner optimizer takes the state, the scale starts over |
| Keras's state, of variables of the same shapes | is built | all is taken |
| Keras's state, of other variables | is built | nothing is taken, since it has no names; a warning |
| other parts | `MultiOptimizer` | parts of the same pattern are taken, a warning names the others |
| state of another rule, in a part too | any | refused, before anything is changed |
| nothing (the model was not compiled) | any | nothing changes |
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim.declaration.slots import Shape, Slot, slot_groups, start_value
from tfoptim.groups import PATHS, Exclusion, Group, Paths, members
from tfoptim.variables import compute_dtype, copies, is_float, path, raw, readable

RESTLESS = 8
"""Changes of attributes after which the steps of a user's class are traced no more."""


@dataclass
class Runtime:
    """What an optimizer holds while it trains, in one attribute that Keras does not track; positions are of `build`.

    Keras's own attributes have the rest: the trained variables, their accumulators, and the averages shown to others.
    """

    owner: Any = None
    """The optimizer that these are of: the wrapper, if one wraps another, which then shares all of this."""
    trainer: Any = None
    """The optimizer that takes the steps, if this one is a part of it."""
    values: dict[str, Any] = field(default_factory=dict)
    """Name of a hyperparameter -> its value as given, or as assigned since."""
    exclusions: dict[str, Exclusion] = field(default_factory=dict)
    """What variables can be excluded from -> which of them are."""
    saved_paths: tuple[str, ...] = ()
    """Paths by which the saved optimizer knew its variables, if this one was made from its config."""
    paths: Paths = field(default_factory=lambda: Paths([]))
    """Paths by which patterns know the variables of `build`."""
    numbers: Any = None
    """keras.Variable, float64 vector: current value of each number field, in their order, then of each number of the
    groups; None within `__init__`."""
    set_in_functions: set[str] = field(default_factory=set)
    """Names of numbers that a `tf.function` assigns: their values are only in `numbers`."""
    slots: list[dict[str, Any]] = field(default_factory=list)
    """Per variable: slot name -> keras.Variable."""
    shared: dict[str, Any] = field(default_factory=dict)
    """Name -> scalar keras.Variable, one for all variables."""
    averages: list[Any] = field(default_factory=list)
    """Per variable: its moving average, a keras.Variable in compute precision, or None; empty without `use_ema`."""
    averages_shown: bool = False
    """Whether the weights are the averaged ones, for a while: see `tfoptim.step.swap`."""
    groups: list[Group] = field(default_factory=list)
    """Per variable: what its numbers depend on, if they differ from the optimizer's."""
    eager: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    """Traced steps of eager calls: pattern -> (function, objects that the key identifies), the oldest use first."""
    without_gradient: set[str] = field(default_factory=set)
    """Paths of variables without gradient that the shared eager step has warned of."""
    kinds: dict[int, Any] = field(default_factory=dict)
    """Id of a variable -> dtypes of its last gradient in the shared eager step."""
    announced: dict[Any, set[Any]] = field(default_factory=dict)
    """Replica -> graphs that called `gradients` and have not called `apply` since; None stands for eager execution."""
    scales: dict[int, Any] = field(default_factory=dict)
    """Replica -> the scale that a wrapper puts on the loss of the `gradients` in progress."""
    compiled: dict[Any, Any] = field(default_factory=dict)
    """Names, shape, dtype and decay -> update of one variable compiled by XLA."""
    changes: int = 0
    """How often traced steps were forgotten, because an attribute that they may have read was set."""
    fused: bool = False
    """Whether a kernel was traced, which would round away numbers near 1."""
    judge: Any = None
    """The loss scale's callback for the verdict of the step in progress, or None."""
    waiting: Any = None
    """Saved state that waits for `build`, or None."""
    to_come: dict[str, Any] = field(default_factory=dict)
    """Saved values of variables that a user's class may still add, by name."""
    refusal: str | None = None
    """The message by which the last state was refused: Keras loads a second time from an empty place."""
    warning: str | None = None
    """The last warning about a loaded state, which is given once."""

    def forget(self) -> None:
        """Forgets the traced steps of eager calls, and those of whoever takes the steps."""
        holders = {id(one): one for one in (self, *(x._runtime for x in (self.owner, self.trainer) if x is not None))}
        for one in holders.values():
            one.changes += bool(one.eager or one.compiled)
            one.eager.clear()
            one.compiled.clear()

    @property
    def restless(self) -> bool:
        """Whether attributes of a user's class change so often that tracing again costs more than it saves."""
        return self.changes > RESTLESS

    def learn_paths(self, variables: list[Any]) -> Paths:
        """Returns, and keeps, by which paths patterns know the variables of `build`."""
        self.paths = Paths.known(self.saved_paths, variables)
        return self.paths

    def known_paths(self) -> dict[str, list[str]]:
        """Returns the part of a config that says by which paths patterns know the variables, once they do."""
        known = self.paths.of_variables or self.saved_paths
        return {PATHS: list(known)} if known else {}


def create(optimizer: Any, variables: list[Any]) -> None:
    """Creates the state for `variables`: averages, accumulators, then slots in the order of Keras's files.

    Attributes are set behind Keras's back: it would otherwise track the lists and save every variable twice.
    """
    own = vars(optimizer)
    own["_trainable_variables"] = variables
    own["_trainable_variables_indices"] = {optimizer._var_key(v): i for i, v in enumerate(variables)}
    runtime = optimizer._runtime
    what = f"{type(optimizer).__name__}: groups"
    runtime.groups = members(what, optimizer.given("groups") or {}, optimizer.exclusions_of_numbers(), runtime.paths)
    if optimizer.given("use_ema"):
        runtime.averages = [None if _is_stateless(v) else _add(optimizer, v, "average", WEIGHTS) for v in variables]
    if optimizer.gradient_accumulation_steps:
        own["_accumulated_gradients"] = [
            _add(optimizer, v, "gradient_accumulator") if is_float(v) else None for v in variables
        ]
    runtime.slots = [{} for _ in variables]
    for group in slot_groups(optimizer):
        for i, (v, where) in enumerate(zip(variables, runtime.paths.of_variables, strict=True)):
            runtime.slots[i] |= {} if _is_stateless(v) else _slots(optimizer, v, where, group)
    dtypes = (compute_dtype(v.dtype) for v in variables if is_float(v))
    widest = max(dtypes, key=lambda dtype: dtype.size, default=tf.float32).name
    runtime.shared = {
        name: optimizer.add_variable((), _starting_at(start), widest, "only_first_replica", name=name)
        for name, start in optimizer.shared.items()
    }


def _is_stateless(variable: Any) -> bool:
    """Returns whether a variable has no state: integers, and float8 scales, whose "gradient" is their new value."""
    return bool(getattr(variable, "overwrite_with_gradient", False)) or not is_float(variable)


ZERO, WEIGHTS = Slot(0.0), Slot(lambda w: w)
"""Start of accumulators, and of averages: the first update makes them the weights again, unless the counter was set."""


def _slots(optimizer: Any, variable: Any, where: str, group: Mapping[str, Slot]) -> dict[str, Any]:
    """Adds the slots of a group that the variable of a path has."""
    if not group:
        return {}
    owner = type(optimizer).__name__
    if tf.TensorShape(variable.shape).rank is None:
        raise ValueError(f"{owner}: {where} must have a known number of axes, since it has slots of its shape.")
    shape = tuple(variable.shape)
    shapes = {name: slot.shape_for(f"{owner}: slot {name} of {where}", shape, where) for name, slot in group.items()}
    return {name: _add(optimizer, variable, name, group[name], own) for name, own in shapes.items() if own is not None}


def _add(optimizer: Any, variable: Any, name: str, slot: Slot = ZERO, shape: Shape | None = None) -> Any:
    """Adds one variable, like `variable` unless it has a shape of its own, on its device, in its compute precision."""
    weights = readable(variable) if callable(slot.start) else variable
    dtype, value = compute_dtype(variable.dtype), start_value(optimizer, slot, weights)
    prefix, shape = re.sub("[/:]", "_", path(variable)), variable.shape if shape is None else shape
    with optimizer._distribution_strategy.extended.colocate_vars_with(raw(variable)):
        return optimizer.add_variable(shape, _starting_at(value), dtype.name, name=f"{prefix}_{name}")


def _starting_at(value: Any) -> Any:
    """Returns an initializer for a number or an array; Keras's `Constant` takes float64 numbers through float32."""

    def initializer(shape: Any, dtype: Any) -> tf.Tensor:
        start = tf.constant(value, dtype) if isinstance(value, float) else tf.cast(value, dtype)
        return tf.broadcast_to(start, shape)

    return initializer


def total(optimizer: Any, variable: Any) -> np.ndarray:
    """Returns the value to save: the common value of all devices, or the sum of per-device accumulators."""
    if not _differs_between_devices(optimizer, variable):
        return np.asarray(keras.ops.convert_to_numpy(variable))
    return np.asarray(sum(copy.numpy() for copy in copies(optimizer._distribution_strategy, variable)))


def hand_over(optimizer: Any, variable: Any, value: Any) -> None:
    """Assigns a saved value; an accumulator goes to the first device, and is zero on the others."""
    variable.assign(value)
    if _differs_between_devices(optimizer, variable):
        for copy in copies(optimizer._distribution_strategy, variable)[1:]:
            copy.assign(np.zeros_like(value))


def _differs_between_devices(optimizer: Any, variable: Any) -> bool:
    """Returns whether a variable is an accumulator, which differs between devices within a cycle."""
    accumulators = vars(optimizer).get("_accumulated_gradients", ())  # missing until the optimizer is built
    return bool(optimizer.gradient_accumulation_steps) and any(variable is total for total in accumulators)


# Access to variables


def group_of(optimizer: Any, variable: Any) -> Group:
    """Returns the group of a variable."""
    group: Group = optimizer._runtime.groups[optimizer._get_variable_index(variable)]
    return group


def path_of(optimizer: Any, variable: Any) -> str:
    """Returns the path by which patterns know a variable of `build`."""
    known: str = optimizer._runtime.paths.of_variables[optimizer._get_variable_index(variable)]
    return known


def slots(optimizer: Any, variable: Any) -> dict[str, Any]:
    """Returns the slots of a variable, name -> tf.Variable."""
    own = optimizer._runtime.slots[optimizer._get_variable_index(variable)]
    return {name: raw(slot) for name, slot in own.items()}


def accumulators(optimizer: Any, variables: list[Any]) -> list[Any]:
    """Returns the accumulated gradients of these variables."""
    sums = (optimizer._accumulated_gradients[optimizer._get_variable_index(v)] for v in variables)
    return [raw(total) for total in sums if total is not None]
