"""State variables of an optimizer, and their values on disk (`tfoptim.saving.loading`).

Variables of a file and of an optimizer are matched by name, as in `tfoptim.saving.matching`; Keras's files have only
positions, which are used if they fit the rule.

| the file has | the optimizer | what happens |
|---|---|---|
| state of the same variables | is built | all is taken |
| state of its rule | is not built | counters are taken now, the rest at `build`, as below |
| more variables (frozen, quantized, removed since) | is built | what fits is taken, a warning names the rest |
| fewer variables (unfrozen, added since) | is built | the same; the others stay as they are |
| a variable of another shape | is built | the same |
| none of the variables | is built | nothing is taken, counters neither; a warning |
| more or fewer slots (`amsgrad`, `use_ema`, accumulation) | is built | what both have is taken, a warning |
| no averages | `use_ema` | averages start from the weights |
| updates counted without accumulation | accumulates | the counter is set to as many updates |
| a loss scale too (mixed_float16) | scales no loss | the state is taken |
| no loss scale | scales the loss | the inner optimizer takes the state, the scale starts over |
| Keras's state, of variables of the same shapes | is built | all is taken |
| Keras's state, of other variables | is built | nothing is taken, since it has no names; a warning |
| state of another rule | any | refused, before anything is changed |
| nothing (the model was not compiled) | any | nothing changes |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def create(optimizer: Any, variables: list[Any]) -> None:
    """Creates the state for `variables`: averages, accumulators, then slots in the order of Keras's files.

    Attributes are set behind Keras's back: it would otherwise track the lists and save every variable twice.
    """
    own = vars(optimizer)
    own["_trainable_variables"] = variables
    own["_trainable_variables_indices"] = {optimizer._var_key(v): i for i, v in enumerate(variables)}
    own["_has_had_gradient"] = set()
    own["_spared"] = optimizer._exclusion.spared(variables)
    if optimizer.use_ema:
        own["_averages"] = [None if _is_stateless(v) else _add(optimizer, v, "average", 0.0) for v in variables]
    if optimizer.gradient_accumulation_steps:
        own["_accumulated_gradients"] = [
            _add(optimizer, v, "gradient_accumulator", 0.0) if is_float(v) else None for v in variables
        ]
    own["_slots"] = [{} for _ in variables]
    for group in groups(optimizer):
        for v, slots in zip(variables, own["_slots"], strict=True):
            for name, start in ({} if _is_stateless(v) else group).items():
                slots[name] = _add(optimizer, v, name, start)
    dtypes = (compute_dtype(v.dtype) for v in variables if is_float(v))
    widest = max(dtypes, key=lambda dtype: dtype.size, default=tf.float32).name
    own["_shared"] = {
        name: optimizer.add_variable((), _starting_at(start), widest, "only_first_replica", name=name)
        for name, start in optimizer.shared.items()
    }


def is_float(variable: Any) -> bool:
    """Returns whether a variable can be trained."""
    return bool(tf.as_dtype(variable.dtype).is_floating)


def _is_stateless(variable: Any) -> bool:
    """Returns whether a variable has no state: integers, and float8 scales, whose "gradient" is their new value."""
    return bool(getattr(variable, "overwrite_with_gradient", False)) or not is_float(variable)


def _add(optimizer: Any, variable: Any, name: str, start: Any) -> Any:
    """Adds one variable like `variable`, on its device, in its compute precision."""
    dtype = compute_dtype(variable.dtype)
    value = start_value(optimizer, start, variable)
    prefix = re.sub("[/:]", "_", path(variable))
    with optimizer._distribution_strategy.extended.colocate_vars_with(raw(variable)):
        return optimizer.add_variable(variable.shape, _starting_at(value), dtype.name, name=f"{prefix}_{name}")


def _starting_at(value: Any) -> Any:
    """Returns an initializer for a number or an array; Keras's `Constant` takes float64 numbers through float32."""

    def initializer(shape: Any, dtype: Any) -> tf.Tensor:
        return tf.fill(shape, tf.constant(value, dtype)) if isinstance(value, float) else tf.cast(value, dtype)

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
    return bool(optimizer.gradient_accumulation_steps) and any(
        variable is accumulator for accumulator in optimizer._accumulated_gradients
    )


# Declarations


def start_value(optimizer: Any, declared: Any, weights: Any) -> Any:
    """Returns the start value of a slot: a number, or an array like `weights`."""
    if isinstance(declared, str):
        value = getattr(optimizer, declared)
        return float(keras.ops.convert_to_numpy(value(0))) if callable(value) else value
    return declared(weights) if callable(declared) else declared


def groups(optimizer: Any) -> tuple[Mapping[str, Any], ...]:
    """Returns the declared slots as groups; each is stored together, variable by variable."""
    declared = optimizer.slots
    return declared if isinstance(declared, tuple) else (declared,)


def compute_dtype(dtype: Any) -> tf.DType:
    """Returns the precision in which a variable of `dtype` is updated and its slots are kept: float32 at least."""
    dtype = tf.as_dtype(dtype)
    return tf.float32 if dtype.size < tf.float32.size else dtype


# Access to variables


def raw(variable: Any) -> Any:
    """Returns the tf.Variable behind a keras.Variable."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def local(strategy: Any, value: Any) -> Any:
    """Returns this worker's first copy of a value that is the same on every device."""
    return strategy.experimental_local_results(value)[0]


def copies(strategy: Any, variable: Any) -> tuple[Any, ...]:
    """Returns this worker's copies of a variable, one tf.Variable per device."""
    return tuple(strategy.experimental_local_results(raw(variable)))


def path(variable: Any) -> str:
    """Returns the name of a variable for messages."""
    return str(getattr(variable, "path", variable.name))


def slots(optimizer: Any, variable: Any) -> dict[str, Any]:
    """Returns the slots of a variable, name -> tf.Variable."""
    own = optimizer._slots[optimizer._get_variable_index(variable)]
    return {name: raw(slot) for name, slot in own.items()}


def accumulators(optimizer: Any, variables: list[Any]) -> list[Any]:
    """Returns the accumulated gradients of these variables."""
    sums = (optimizer._accumulated_gradients[optimizer._get_variable_index(v)] for v in variables)
    return [raw(total) for total in sums if total is not None]
