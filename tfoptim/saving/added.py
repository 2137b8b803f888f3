"""Variables that a user's class adds to those of its rule: in a file they are found by name, else by their order."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from tfoptim.declaration.overrides import is_known
from tfoptim.declaration.slots import slot_groups
from tfoptim.saving.layout import COUNTERS, OPTIONAL, Arrays, Saved


def added(optimizer: Any) -> dict[str, Any]:
    """Returns the variables that neither rule nor arguments of an optimizer ask for, by name, in their order."""
    runtime, known = optimizer._runtime, [optimizer._iterations, optimizer._learning_rate]
    known += [*runtime.shared.values(), *runtime.averages, *(getattr(optimizer, "_accumulated_gradients", None) or ())]
    known += [slot for slots in runtime.slots for slot in slots.values()]
    ids = set(map(id, known))
    return {_name(optimizer, v): v for v in optimizer._variables if id(v) not in ids}


def take_added(optimizer: Any, saved: Saved) -> tuple[set[str], set[str]]:
    """Assigns the saved values of added variables, and keeps those of variables that may still come.

    Returns:
        The names in the file that are accounted for, and those of variables that it does not have.
    """
    mine, theirs = added(optimizer), _candidates(optimizer, saved)
    for name in mine.keys() & theirs.keys():
        _pair(mine, theirs, [name], [name])
    numbered = [[name for name in names if re.fullmatch(r"variable(_\d+)?", name)] for names in (mine, theirs)]
    _pair(mine, theirs, *numbered)  # names that Keras gives, which differ between processes
    _pair(mine, theirs, list(mine), list(theirs))
    is_users = not is_known(type(optimizer))
    optimizer._runtime.to_come = dict(theirs) if is_users else {}  # its `build` may go on to add variables
    return _candidates(optimizer, saved).keys() - (set() if is_users else theirs.keys()), set(mine)


def _pair(mine: dict[str, Any], theirs: Arrays, names: list[str], others: list[str]) -> None:
    """Assigns values to variables in their order if all of their shapes agree, and takes both out."""
    if [tuple(mine[name].shape) for name in names] == [theirs[name].shape for name in others]:
        for name, other in zip(names, others, strict=True):
            mine.pop(name).assign(theirs.pop(other))


def claim(optimizer: Any, variable: Any) -> None:
    """Assigns to a variable that is being added the value that a file has for it, if one was loaded before."""
    runtime = vars(optimizer).get("_runtime")
    if runtime is None or not runtime.to_come:
        return
    fitting = [name for name, value in runtime.to_come.items() if value.shape == tuple(variable.shape)]
    name = _name(optimizer, variable)
    if fitting:
        with tf.init_scope():  # a step that is being traced may build
            variable.assign(runtime.to_come.pop(name if name in fitting else fitting[0]))


def _candidates(optimizer: Any, saved: Saved) -> Arrays:
    """Returns what a file has beyond counters, shared state and declared slots: name -> array, in its order."""
    declared = {name for group in slot_groups(optimizer) for name in group} | set(OPTIONAL)
    shared = {*COUNTERS, *optimizer.shared}
    found = {plain(name): value for name, value in saved.scalars.items() if name not in shared}
    return found | {
        f"{record.name}_{slot}": value
        for record in saved.records
        for slot, value in record.slots.items()
        if slot not in declared
    }


def _name(optimizer: Any, variable: Any) -> str:
    return plain(variable.path.replace("/", ".")).rpartition(f"{optimizer.name}.")[2]


def plain(name: str) -> str:
    """Returns a name without the position that keys of a file begin with."""
    return re.sub(r"^\d+\.", "", name)
