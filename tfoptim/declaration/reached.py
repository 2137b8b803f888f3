"""Which methods of a rule its class calls: a `direction` means nothing to a rule whose step has another form."""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator
from typing import Any

import keras

BASE = "tfoptim.optimizer"  # the module of the class whose step goes along a direction
OF_PARTS = "tfoptim.wrappers.multi"


def unreached(cls: type, name: str) -> str:
    """Returns what to define in place of a rule's method that a class never calls; empty where it is called.

    Args:
        cls: an optimizer class.
        name: a method of a rule.
    """
    if keras.optimizers.LossScaleOptimizer in cls.__mro__:
        return f"define {name} in the class of the inner optimizer"
    if any(one.__module__ == OF_PARTS for one in cls.__mro__):
        return f"define {name} in the class of a part"
    if name == "decay_of" and getattr(cls, "own_decay", False) is True:
        return "its rule decays weights by itself, from h.weight_decay: define direction or step"
    owner = next((one for one in cls.__mro__ if "step" in vars(one)), cls)
    if name != "direction" or not _is_ours(owner) or "direction" in set(_asked(cls)):
        return ""
    return f"the rule of {owner.__name__} has the form step(h, g, w, s): define that"


def _asked(cls: type) -> Iterator[str]:
    """Yields the names that the formulas of a class ask for, down to the class whose step goes along a direction."""
    above = list(itertools.takewhile(lambda one: one.__module__ != BASE, cls.__mro__))
    for one in above:
        for method in vars(one).values() if _is_ours(one) else ():
            plain = getattr(method, "__wrapped__", getattr(method, "fget", method))
            if isinstance(plain, types.FunctionType):
                yield from _names(plain.__code__)
    if not any("step" in vars(one) for one in above):
        yield "direction"


def _names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "tfoptim"
