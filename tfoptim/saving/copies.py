"""Copies of an optimizer with its state: copies, pickles, and Keras's optimizer of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras


class Copied:
    """The part of an optimizer that makes copies of it."""

    as_in_keras: ClassVar[dict[str, Any]] = {}
    """Values of arguments with which the class does what Keras's of the same name does, whatever Keras has for them."""

    needed_in_keras: ClassVar[tuple[str, ...]] = ()
    """Numbers that may be None here, and not in Keras."""

    differs_from_keras: ClassVar[str] = ""
    """Why Keras's class of the same name cannot go on with a training of this one; empty: it can."""

    @classmethod
    def config_of_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the config of this class for that of Keras's; raises if there is none that does the same."""
        return {**config, **cls.as_in_keras}

    @staticmethod
    def slots_in_keras(slots: Mapping[str, Any]) -> dict[str, bool]:
        """Returns the slots of a variable in Keras's files -> whether they are among its `slots` here."""
        return dict.fromkeys(slots, True)

    def state_of_keras(self: Any, optimizer: Any) -> list[Any]:
        """Returns the state of this optimizer out of Keras's; both are built for the same variables."""
        return list(optimizer._variables)

    def state_for_keras(self: Any, optimizer: Any) -> list[Any]:
        """Returns the state of Keras's optimizer out of this one's; both are built for the same variables."""
        del optimizer
        return list(self._variables)

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        """Copies the optimizer with its state, for the same variables, or for their copies if those are in `memo`."""
        copy = type(self).from_config(self.get_config())
        memo[id(self)] = copy
        if self.built:
            copy.build([memo.get(id(v), v) for v in self._trainable_variables])
            copy.set_weights([keras.ops.convert_to_numpy(v) for v in self.variables])
        else:
            copy.load_own_variables(state_of(self))
        return copy

    def __reduce__(self: Any) -> tuple[Any, ...]:
        """Pickles configuration and state; the state is restored when the unpickled optimizer is built."""
        return _unpickled, (type(self), self.get_config(), state_of(self))


def state_of(optimizer: Any) -> dict[str, Any]:
    """Returns the state of an optimizer as its files have it."""
    values: dict[str, Any] = {}
    optimizer.save_own_variables(values)
    return values


def _unpickled(cls: Any, config: dict[str, Any], values: dict[str, Any]) -> Any:
    optimizer = cls.from_config(config)
    optimizer.load_own_variables(values)
    return optimizer
