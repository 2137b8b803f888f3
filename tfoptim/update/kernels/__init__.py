"""Fused kernels: operations that compute a rule's update of one variable in few passes over memory.

A provider, such as `tfoptim.update.kernels.tensorflow`, is a module that adds its `Kernel` records to the table. A
record holds every fact by which a kernel is chosen: to add a kernel, add a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.declaration import overrides
from tfoptim.declaration.domains import FRACTION
from tfoptim.scalar import Scalar
from tfoptim.update.context import Update

FEW = 2
"""Passes over memory up to which a kernel beats compiling a large variable."""

DECAY = 2
"""Passes that weight decay adds, which no kernel has."""


def always(u: Update) -> bool:
    """Returns True: the kernel computes every variant of its rule."""
    del u
    return True


def positive(u: Update, number: Scalar) -> tf.Tensor:
    """Returns a positive number for a kernel that refuses or divides by 0; the smallest has no other effect."""
    dtype = u.gradient.dtype
    smallest = np.finfo(dtype.as_numpy_dtype).tiny
    return number.once(("positive", dtype), lambda: tf.maximum(number.cast(dtype), smallest))


def keeps_fractions(optimizer: Any, numbers: Mapping[str, Any], dtype: tf.DType) -> bool:
    """Returns whether `1 - beta` keeps at least three digits in `dtype`, for each number in [0, 1).

    Kernels compute it in the variable's precision: a beta of 0.99999999 is 1 in float32, the second moment would stay 0
    and the step be divided by epsilon alone. How near a schedule comes to 1 is unknown.
    """
    betas = [numbers[name] for name, field in optimizer.fields.items() if field.domain == FRACTION]
    return all(
        isinstance(beta, float) and abs(float(np.array(beta, dtype.as_numpy_dtype)) - beta) <= 1e-3 * (1 - beta)
        for beta in betas
    )


def known(optimizer: Any) -> list[dict[str, Any]]:
    """Returns the numbers of an optimizer and of each of its groups, None for those that functions assign."""
    own = {**optimizer.numbers(), **dict.fromkeys(optimizer._runtime.set_in_functions)}
    return [own, *({**own, **group} for group in (optimizer.given("groups") or {}).values())]


@dataclass(frozen=True)
class Kernel:
    """One way to compute a rule's update, with the facts by which it is chosen.

    Args:
        rule: class that defines the formula; subclasses that keep the formula have the kernel, others do not.
        run: updates the variable and its slots in place; weight decay has been applied.
        serves: whether it computes this variant of the rule, by its slots, and is fast at this size.
        keeps: whether it keeps the precision of an optimizer's numbers, or of a group's, in a dtype.
        dtypes: of the variable.
        metal: whether Apple's plugin has its operations, for float32.
        portable: whether TFLite can decompose its operations, so that an exported step may have them.
        passes: over the memory of the variable, about; compiling is better for many.
    """

    rule: type
    run: Callable[[Update], None]
    serves: Callable[[Update], bool] = always
    keeps: Callable[[Any, Mapping[str, Any], tf.DType], bool] = keeps_fractions
    dtypes: tuple[tf.DType, ...] = (tf.float32, tf.float64)
    metal: bool = True
    portable: bool = True
    passes: int = 1

    def fits(self, u: Update, metal: bool, single_pass: bool) -> bool:
        """Returns whether the kernel equals the rule on this variable, and is the right choice; see `find`."""
        dtype, passes = u.variable.dtype, self.passes + (0 if u.decay is None else DECAY)
        return (
            dtype in self.dtypes
            and (not metal or (self.metal and dtype == tf.float32))
            and (not u.portable or self.portable)
            and (not single_pass or passes <= FEW)
            and self.serves(u)
            and self.keeps_numbers(u.optimizer, dtype)
        )

    def keeps_numbers(self, optimizer: Any, dtype: tf.DType) -> bool:
        """Returns whether the kernel keeps the precision of all numbers, of groups too."""
        return all(self.keeps(optimizer, numbers, dtype) for numbers in known(optimizer))


_TABLE: list[Kernel] = []


def add(*kernels: Kernel) -> None:
    """Adds the records of a provider; of two kernels that fit, the one added first is chosen."""
    _TABLE.extend(kernels)


def of(optimizer: Any) -> list[Kernel]:
    """Returns the kernels of an optimizer's rule; none if it is cautious, or a user has replaced a part of it."""
    rule = None if optimizer.cautious else overrides.rule_of(optimizer)
    return [kernel for kernel in _TABLE if kernel.rule is rule]


def find(u: Update, metal: bool, single_pass: bool) -> Kernel | None:
    """Returns the first kernel that equals the optimizer's rule on this variable, or None.

    Args:
        u: the update; its gradient is dense.
        metal: whether the operations are those of Apple's plugin.
        single_pass: whether the alternative is a compiled function of one pass over memory.
    """
    return next((kernel for kernel in of(u.optimizer) if kernel.fits(u, metal, single_pass)), None)


def precisions_kept(optimizer: Any) -> list[bool]:
    """Returns for each kernel of the optimizer's rule whether it keeps the precision of the numbers in float32."""
    return [kernel.keeps_numbers(optimizer, tf.float32) for kernel in of(optimizer)]
