"""Optimizers made of optimizers: what a step asks of one that may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tfoptim.declaration.overrides import redefines


class Composed:
    """The part of an optimizer that knows the optimizers in it, and the one around it."""

    _named_parts: ClassVar[Any] = {}
    """Optimizers that this one joins, by their names in files."""

    @property
    def _rule_class(self: Any) -> type:
        """The class of the rule: for a wrapper, that of the optimizer inside."""
        return type(self)

    def _parts(self: Any) -> Sequence[Any]:
        """Returns this optimizer and those that it joins."""
        return self, *self._named_parts.values()

    def _part_of(self: Any, path: str) -> Any:
        """Returns the optimizer whose rule moves the variable of a path."""
        del path
        return self

    def _outer(self: Any) -> Any:
        """Returns the optimizer that takes the steps: this one, or the one that it is inside."""
        return self._runtime.trainer or self._runtime.owner

    def _assigns_itself(self: Any) -> bool:
        """Returns whether a user's `assign` is called in a step, for any variable."""
        return any(redefines(part, "assign") for part in self._parts())

    def _check_takes_steps(self: Any) -> None:
        """Raises if the optimizer is inside another."""
        self._check_is(self._outer())

    def _check_owns_its_state(self: Any) -> None:
        """Raises if the state is that of a wrapper; a part of several has its own."""
        self._check_is(self._runtime.owner)

    def _check_is(self: Any, outer: Any) -> None:
        if outer is not self:
            raise RuntimeError(f"{self.name} takes no steps by itself, because it is inside {outer.name}: use that.")
