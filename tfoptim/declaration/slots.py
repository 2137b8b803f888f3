"""Slots: the state that a rule keeps per variable, as the rule declares it.

A slot has the shape of its variable, unless the rule declares another; then the memory that the paper saves is saved.

>>> import tfoptim
>>> from tfoptim.declaration import Slot
>>> from tfoptim.ops import mean, sqrt, square
>>> class Normalized(tfoptim.Optimizer):
...     slots = dict(m=0.0, v=Slot(0.0, shape=()))
...     def direction(self, h, g, w, s):
...         s.v = 0.5 * s.v + 0.5 * mean(square(g))
...         s.m = 0.9 * s.m + g / sqrt(s.v)
...         return s.m
>>> tfoptim.simulate(Normalized(learning_rate=1.0), [1.0, 2.0], [[3.0, 4.0]])
array([[-0.2,  0.4]])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import keras
import numpy as np

Shape = tuple[int, ...]
ShapeOf = Callable[[Shape, str], Shape | None]


def of_the_variable(shape: Shape, path: str) -> Shape:
    """Returns the shape of a variable, which is that of a slot unless declared otherwise."""
    del path
    return shape


@dataclass(frozen=True)
class Slot:
    """Declaration of one slot.

    Args:
        start: a number, the name of the field that gives it, or a function of the weights that returns an array. It is
            called at `build`, and in the first step, with the weights of then; for XLA, it is made of `tfoptim.ops`.
        shape: a tuple, or a function of the variable's shape and path: it returns a tuple, or None for a variable that
            has no such slot. A rule with such a slot is given whole variables, never some rows.
        by_shape: whether a function `start` reads the shape of the weights alone; then `build` is all it is called at.

    Raises:
        TypeError: `shape` is neither; for a function, raised when the optimizer is built.
    """

    start: Any = 0.0
    shape: Shape | ShapeOf = of_the_variable
    by_shape: bool = False

    def __post_init__(self) -> None:
        if not callable(self.shape):
            _checked("Slot", self.shape)

    @property
    def reshaped(self) -> bool:
        """Whether the slot may have another shape than its variable."""
        return self.shape is not of_the_variable

    def shape_for(self, what: str, shape: Shape, path: str) -> Shape | None:
        """Returns the shape of the slot for a variable, or None if the variable has no such slot.

        Args:
            what: optimizer and slot, for the message.
            shape: of the variable.
            path: of the variable.
        """
        if not callable(self.shape):
            return tuple(self.shape)
        found = self.shape(shape, path)
        return None if found is None else _checked(what, found)


def _checked(what: str, shape: Any) -> Shape:
    is_shape = isinstance(shape, (tuple, list)) and all(isinstance(n, Integral) and int(n) >= 0 for n in shape)
    if not is_shape:
        raise TypeError(f"{what}: shape must be a tuple of integers >= 0, such as (), got {shape!r}.")
    return tuple(int(n) for n in shape)


def slot_groups(optimizer: Any) -> tuple[Mapping[str, Slot], ...]:
    """Returns the declared slots as groups; each is stored together, variable by variable."""
    declared = optimizer.slots if isinstance(optimizer.slots, tuple) else (optimizer.slots,)
    return tuple(
        {name: start if isinstance(start, Slot) else Slot(start) for name, start in group.items()} for group in declared
    )


def from_weights(optimizer: Any) -> dict[str, Slot]:
    """Returns the declared slots that start as a function of the weights."""
    return {name: slot for group in slot_groups(optimizer) for name, slot in group.items() if callable(slot.start)}


def starting(optimizer: Any) -> set[str]:
    """Returns the names of numbers that only start the state: starts of slots, and those that have no schedule."""
    slots = {slot.start for group in slot_groups(optimizer) for slot in group.values() if isinstance(slot.start, str)}
    fields = optimizer.fields.items()
    return slots | {name for name, field in fields if field.domain.live and not field.domain.schedulable}


def keeps_slots(optimizer: Any, values: Mapping[str, Any]) -> bool:
    """Returns whether an optimizer would have the same slots with other values of some fields."""
    runtime, mine, before = optimizer._runtime, optimizer._runtime.values, _names(optimizer)
    try:
        runtime.values = mine | values
        return _names(optimizer) == before
    finally:
        runtime.values = mine


def _names(optimizer: Any) -> list[list[str]]:
    return [list(group) for group in slot_groups(optimizer)]


def start_value(optimizer: Any, slot: Slot, weights: Any) -> Any:
    """Returns the start value of a slot: a number, or an array that fits its shape."""
    if isinstance(slot.start, str):
        value = optimizer.given(slot.start)
        return float(keras.ops.convert_to_numpy(value(0))) if callable(value) else value
    return slot.start(weights) if callable(slot.start) else slot.start


def arrays(optimizer: Any, weights: np.ndarray, path: str) -> dict[str, np.ndarray]:
    """Returns the slots of a variable at the start, in float64 NumPy."""
    found = {}
    for name, slot in ((name, slot) for group in slot_groups(optimizer) for name, slot in group.items()):
        shape = slot.shape_for(f"{type(optimizer).__name__}: slot {name}", weights.shape, path)
        if shape is not None:
            found[name] = np.full(shape, start_value(optimizer, slot, weights), np.float64)
    return found


def takes_whole_variables(optimizer: Any) -> bool:
    """Returns whether a rule cannot run on some rows: it takes norms or sums, or has slots of another shape."""
    reshaped = any(slot.reshaped for group in slot_groups(optimizer) for slot in group.values())
    return reshaped or not (optimizer.elementwise and optimizer.allows_lazy) or optimizer.measures


def check_lazy(optimizer: Any, lazy: bool) -> None:
    """Raises if `lazy` would run a rule on the touched rows that must see whole variables."""
    if lazy and takes_whole_variables(optimizer):
        raise ValueError(
            f"{type(optimizer).__name__}: lazy must be False, because the rule needs whole variables, not the touched "
            "rows alone."
        )
    if lazy and optimizer.gradient_accumulation_steps:
        raise ValueError(
            f"{type(optimizer).__name__}: lazy must be False with gradient_accumulation_steps, which collects the "
            "gradients of whole tables; give one of both."
        )
