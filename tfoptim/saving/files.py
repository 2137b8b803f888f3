"""Files of saved state: reading by name or by position, and detection of another rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfoptim.declaration.overrides import formula
from tfoptim.saving.layout import COUNTERS, LOSS_SCALE, OPTIONAL, Arrays, Layout, Record, Saved, after_loss_scale
from tfoptim.saving.positions import by_position


def read(store: Mapping[str, Any], layout: Layout) -> Saved | None:
    """Copies and sorts the entries of a store; None if it has only positions, and they fit no layout of the rule.

    Raises:
        ValueError: a key is neither like `3` nor like `3.adam.dense_kernel_v`.
    """
    keys = list(store.keys())
    if odd := [key for key in keys if not re.match(r"\d+(\.|$)", key)]:
        raise ValueError(f"this is not the state of an optimizer: it has an entry {odd[0]!r}.")
    entries = {key: np.asarray(store[key]) for key in sorted(keys, key=lambda key: int(key.split(".")[0]))}
    if any("." in key for key in keys):
        return _by_name(entries, layout)
    return by_position(entries, layout)


def of_part(name: str, position: int, key: str) -> str:
    """Returns the key in the file of the whole for a key in that of a part: `9.part.default.adam.dense_kernel_m`."""
    return f"{position}.part.{name}{''.join(key.partition('.')[1:])}"


def split(store: Mapping[str, Any]) -> tuple[Arrays, dict[str, Arrays]]:
    """Returns the entries of an optimizer that joins others, and those of each of its parts, by the part's name."""
    own: Arrays = {}
    of_parts: dict[str, Arrays] = {}
    for key in list(store.keys()):
        found = re.fullmatch(r"(\d+)\.part\.([^.]+)(.*)", key)
        entries = of_parts.setdefault(found[2], {}) if found else own
        entries[found[1] + found[3] if found else key] = np.asarray(store[key])
    return own, of_parts


def _by_name(entries: Arrays, layout: Layout) -> Saved:
    """Sorts a file of tfoptim, whose keys are position, optimizer, and name of variable and slot."""
    scaled = tuple(key.rpartition(".")[2] for key in entries)[: len(LOSS_SCALE)] == LOSS_SCALE
    saved = after_loss_scale(entries) if scaled else Saved(entries)
    saved.owner = next(iter(saved.entries), "").partition(".")[2].rpartition(".")[0]
    # Variables created in a name scope, such as that of Keras's loss scale, have it before the optimizer's name.
    end = f".{saved.owner.rpartition('.')[2]}."
    names = {key: key.partition(end)[2] or key for key in saved.entries}
    variables = _variables((name for key, name in names.items() if end in key), layout)
    for key, name in names.items():
        variable = variables.get(name) if end in key else None  # what a user's class has made outside of it
        if variable is None:
            saved.scalars[name] = saved.entries[key]
            continue
        slot = name[len(variable) + 1 :]
        record = next((r for r in saved.records if r.name == variable and slot not in r.slots), None)
        if record is None:
            record = Record(variable)
            saved.records.append(record)
        record.slots[slot] = saved.entries[key]
    return saved


def _variables(names: Iterable[str], layout: Layout) -> dict[str, str]:
    """Returns the variable of each name; the rest of a name is a slot that the optimizer does not declare."""
    known = sorted({*layout.slots, *OPTIONAL}, key=len, reverse=True)
    found: dict[str, str] = {}
    rest = []
    for name in names:
        slot = next((slot for slot in known if name.endswith(f"_{slot}")), None)
        if slot is not None:
            found[name] = name[: -len(slot) - 1]
        elif name not in (*COUNTERS, *layout.shared):
            rest.append(name)
    variables = sorted(set(found.values()), key=len, reverse=True)
    for name in rest:
        variable = next((v for v in variables if name.startswith(f"{v}_")), name.rpartition("_")[0])
        if variable:
            found[name] = variable
    return found


def is_of_another_rule(saved: Saved, declared: Layout, optimizer: Any) -> bool:
    """Returns whether a file is of another rule than the optimizer, by its writer or else by its slots."""
    if declared.varying and not saved.owner:
        return False  # a file of Keras, whose arrays fit, or wait for the variables
    theirs, ours = (names - declared.of_weights for names in (saved.slots, set(declared.slots) - set(OPTIONAL)))
    cls = optimizer._rule_class
    if not theirs and (not ours or not saved.trained):
        return False
    writers = _called(cls, saved.owner)
    if writers:
        return not any(_same_rule(cls, writer) for writer in writers)
    return not theirs & ours if saved.owner == optimizer.name else theirs != ours


def _called(cls: type, name: str) -> list[type]:
    """Returns the classes whose default name this is: `ada_grad_1` is an `AdaGrad`, and so is its `Lookahead`."""
    base = next(c for c in reversed(cls.__mro__) if "direction" in vars(c))
    plain = re.sub(r"^lookahead_|_\d+$|_", "", name)
    return [c for c in _subclasses(base) if c.__name__.lower() == plain]


def _subclasses(cls: type) -> Iterator[type]:
    subclass: type
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _same_rule(ours: type, theirs: type) -> bool:
    return issubclass(ours, theirs) or formula(ours) is formula(theirs)
