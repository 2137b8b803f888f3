"""Copies and pickles of an optimizer, with its state."""

from __future__ import annotations

from typing import Any

import keras


class Copied:
    """The part of an optimizer that makes copies of it."""

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        """Copies the optimizer with its state, for the same variables, or for their copies if those are in `memo`."""
        copy = type(self).from_config(self.get_config())
        memo[id(self)] = copy
        if self.built:
            copy.build([memo.get(id(v), v) for v in self._trainable_variables])
            copy.set_weights([keras.ops.convert_to_numpy(v) for v in self.variables])
        else:
            copy.load_own_variables(_state(self))
        return copy

    def __reduce__(self: Any) -> tuple[Any, ...]:
        """Pickles configuration and state; the state is restored when the unpickled optimizer is built."""
        return _unpickled, (type(self), self.get_config(), _state(self))


def _state(optimizer: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    optimizer.save_own_variables(values)
    return values


def _unpickled(cls: Any, config: dict[str, Any], values: dict[str, Any]) -> Any:
    optimizer = cls.from_config(config)
    optimizer.load_own_variables(values)
    return optimizer
