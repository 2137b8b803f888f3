"""Our own operation: one step of many variables, in one pass over memory; `tfoptim.native` builds and loads it.

Rules are computed as in `tfoptim/rules/`, from the same numbers in float64, so no number is rounded away. Variables are
inputs of the operation: TensorFlow orders reads and writes by them. What an export traces has TensorFlow's own
operations, so that it can be loaded anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfoptim import native, scalar
from tfoptim.update.context import Update, traced_for_export
from tfoptim.update.kernels import Kernel
from tfoptim.variables import raw

FLOATS = (tf.float32, tf.float64, tf.bfloat16, tf.float16)


@dataclass(frozen=True)
class Formula:
    """A rule of the operation.

    Args:
        rule: class that defines it.
        name: as in `tfoptim/native/src/step.cc`.
        slots: names, in the order of the functor.
        numbers: returns the functor's numbers, in its order, from the optimizer and the hyperparameters of a step.
        variant: whether it is the variant of the rule that an optimizer has, as far as its slots do not say.
    """

    rule: type
    name: str
    slots: tuple[str, ...]
    numbers: Callable[[Any, Any], Sequence[Any]]
    variant: Callable[[Any], bool] = lambda optimizer: True

    def kernel(self) -> Kernel:
        """Returns the record for the table of kernels."""
        return Kernel(
            self.rule,
            serves=self.serves,
            keeps=lambda *_: True,
            dtypes=FLOATS,
            metal=False,
            portable=False,
            together=self.run,
        )

    def serves(self, u: Update) -> bool:
        """Returns whether the operation is there and can update this variable."""
        decays = u.decay is None or isinstance(u.decay, scalar.Scalar)
        fits = decays and set(u.slots) == set(self.slots) and self.variant(u.optimizer)
        return fits and is_served(u.variable, u.h) and not may_be_exported(u.h) and self.takes_numbers(u)

    def takes_numbers(self, u: Update) -> bool:
        """Returns whether the numbers of a step are scalars; what a subclass puts in their place may not be."""
        return all(isinstance(number, (int, float, scalar.Scalar)) for number in self.numbers(u.optimizer, u.h))

    def run(self, updates: Sequence[Update]) -> None:
        """Updates variables of one optimizer, dtype and device, all with dense gradients, or all with sparse ones."""
        sparse = isinstance(updates[0].gradient, tf.IndexedSlices)
        numbers, groups = self.matrix(updates)
        arguments = {
            "weights": [u.variable.handle for u in updates],
            "slots": [u.slots[name].handle for name in self.slots for u in updates],
            "numbers": numbers,
            "factors": factors(updates),
            "groups": groups,
            "rule": self.name,
            "W": updates[0].variable.dtype,
        }
        if sparse:
            native.operations().tfoptim_rows(
                gradients=[u.gradient.values for u in updates],
                indices=[tf.cast(u.gradient.indices, tf.int64) for u in updates],
                **arguments,
            )
        else:
            averages = [u.average.handle for u in updates if u.average is not None]
            native.operations().tfoptim_step(gradients=[u.gradient for u in updates], averages=averages, **arguments)

    def matrix(self, updates: Sequence[Update]) -> tuple[tf.Tensor, list[int]]:
        """Returns a row of numbers for each group of variables, and of each variable the position of its row."""
        rows: dict[Any, list[Any]] = {}
        keys = [(id(u.h), id(u.decay)) for u in updates]
        for key, u in zip(keys, updates, strict=True):
            if key not in rows:
                common = [0.0 if number is None else number for number in (u.decay, u.share)]
                rows[key] = [*common, *self.numbers(u.optimizer, u.h)]
        numbers = [scalar.as_scalar(number).value for row in rows.values() for number in row]
        places = {key: place for place, key in enumerate(rows)}
        return tf.reshape(tf.stack(numbers), [len(rows), -1]), [places[key] for key in keys]


def factors(updates: Sequence[Update]) -> tf.Tensor:
    """Returns the factors on the gradients: none, or a vector."""
    given = [u.factor for u in updates]
    if all(factor is None for factor in given):
        return tf.zeros([0], tf.float64)
    if all(factor is given[0] for factor in given):
        return tf.fill([len(given)], tf.cast(given[0], tf.float64))
    return tf.stack([tf.cast(factor, tf.float64) for factor in given])


def is_served(variable: Any, h: Any) -> bool:
    """Returns whether the operation is there, and a variable is on a CPU of this process, next to no Apple GPU."""
    place = tf.DeviceSpec.from_string(variable.device)
    return (
        place.device_type == "CPU"
        and not scalar.on_metal()
        and native.available()
        and (place.job, place.task) == h.t.once(own_process, own_process)
    )


def own_process() -> tuple[str, int]:
    """Returns job and task of this process, as names of devices have them; asked once a step."""
    with tf.init_scope(), tf.device("CPU:0"):
        place = tf.DeviceSpec.from_string(tf.constant(0).device)
    return place.job, place.task


def may_be_exported(h: Any) -> bool:
    """Returns whether what is traced may go where the operation is not; asks once a step."""
    return h.t.value.dtype == tf.float32 or bool(h.t.once(traced_for_export, traced_for_export))


def sums_squares(h: Any, variables: Sequence[Any]) -> bool:
    """Returns whether the sums of squares of gradients are computed by the operation."""
    return not may_be_exported(h) and all(is_served(raw(v), h) for v in variables)


def sums_of_squares(arrays: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the sum of squares of each tensor, a scalar of its dtype: added in float64, in one operation a dtype."""
    sums: dict[int, tf.Tensor] = {}
    for dtype in dict.fromkeys(x.dtype for x in arrays):
        own = [i for i, x in enumerate(arrays) if x.dtype == dtype]
        found = native.operations().tfoptim_sums_of_squares(arrays=[arrays[i] for i in own])
        sums |= zip(own, tf.unstack(tf.cast(found, dtype), len(own)), strict=True)
    return [sums[i] for i in range(len(arrays))]
