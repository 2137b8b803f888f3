"""Layout of saved optimizer state: reading by name or by position, and detection of another rule."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tfoptim.declaration.overrides import formula

Arrays = dict[str, np.ndarray]

COUNTERS = ("iteration", "learning_rate")
OPTIONAL = ("average", "gradient_accumulator")
"""Per-variable state of arguments that all optimizers have, in the order of Keras's files."""
LOSS_SCALE = ("iteration", "learning_rate", "step_counter", "dynamic_scale")
"""Entries that a loss-scaling wrapper writes before the state of its inner optimizer."""


@dataclass
class Record:
    """State of one variable: its name (empty in Keras's files) and its slots, name -> array."""

    name: str
    slots: Arrays = field(default_factory=dict)


@dataclass
class Saved:
    """Content of a file.

    Args:
        entries: key -> array, in the file's order.
        scalars: counters and shared state, by name.
        records: the variables that have state, in the file's order.
        owner: name of the optimizer that wrote the file; empty in Keras's files.
        loss_scale: own entries of a loss-scaling wrapper, by name.
        before: counters of an optimizer that was not built, before it took the file's.
    """

    entries: Arrays
    scalars: Arrays = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    owner: str = ""
    loss_scale: Arrays = field(default_factory=dict)
    before: Arrays = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether the optimizer had taken a step."""
        return bool(self.records) or int(self.scalars.get("iteration", 0)) > 0

    @property
    def slots(self) -> set[str]:
        """Names of the rule's slots that some variable has."""
        return {name for record in self.records for name in record.slots} - set(OPTIONAL)


@dataclass(frozen=True)
class Layout:
    """State that an optimizer declares.

    Args:
        scalars: counters in front, in the order of the file.
        blocks: names of slots stored together for each variable, block after block.
        shared: state kept once, at the end.
        reshaped: names of slots that may have another shape than their variable.
        of_weights: names of slots that start as a function of the weights, and so can start at any time.
    """

    scalars: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...]
    reshaped: frozenset[str] = frozenset()
    of_weights: frozenset[str] = frozenset()

    @property
    def slots(self) -> list[str]:
        """Names of all slots."""
        return [name for block in self.blocks for name in block]

    def variants(self) -> Iterator[Layout]:
        """Yields this layout, then those without slots of the weights, and with other values of common arguments."""
        yield self
        rule = tuple(block for block in self.blocks if block[0] not in OPTIONAL)
        inner = tuple(block for block in rule if not self.of_weights.issuperset(block))
        for blocks in (rule, inner)[: 1 if inner == rule else 2]:
            yield from self._variants(blocks)

    def _variants(self, rule: tuple[tuple[str, ...], ...]) -> Iterator[Layout]:
        if not rule:
            return  # any array could be the average of some variable
        given = [name for name in OPTIONAL if (name,) in self.blocks]
        options = [[], [OPTIONAL[0]], [OPTIONAL[1]], list(OPTIONAL)]
        rates = [self.scalars, COUNTERS if len(self.scalars) == 1 else COUNTERS[:1]]
        for rate, extra in itertools.product(rates, sorted(options, key=lambda option: option != given)):
            yield replace(self, scalars=rate, blocks=(*((name,) for name in extra), *rule))


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
    for skipped, variant in itertools.product((0, len(LOSS_SCALE)), layout.variants()):
        saved = _by_position(entries, variant, skipped)
        if saved is not None:
            return saved
    return None


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


def _after_loss_scale(entries: Arrays) -> Saved:
    """Separates the entries of a loss-scaling wrapper from the state of its inner optimizer."""
    own, inner = list(entries.items())[: len(LOSS_SCALE)], list(entries.items())[len(LOSS_SCALE) :]
    renumbered = {f"{i}{''.join(key.partition('.')[1:])}": value for i, (key, value) in enumerate(inner)}
    return Saved(renumbered, loss_scale={name: value for name, (_, value) in zip(LOSS_SCALE[2:], own[2:], strict=True)})


def _by_name(entries: Arrays, layout: Layout) -> Saved:
    """Sorts a file of tfoptim, whose keys are position, optimizer, and name of variable and slot."""
    scaled = tuple(key.rpartition(".")[2] for key in entries)[: len(LOSS_SCALE)] == LOSS_SCALE
    saved = _after_loss_scale(entries) if scaled else Saved(entries)
    saved.owner = next(iter(saved.entries), "").partition(".")[2].rpartition(".")[0]
    # Variables created in a name scope, such as that of Keras's loss scale, have it before the optimizer's name.
    end = f".{saved.owner.rpartition('.')[2]}."
    names = {key: key.partition(end)[2] or key for key in saved.entries}
    variables = _variables(names.values(), layout)
    for key, name in names.items():
        variable = variables.get(name)
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


def _by_position(entries: Arrays, layout: Layout, skipped: int) -> Saved | None:
    """Sorts a file of Keras if its arrays, after the first `skipped`, fit a layout; else returns None."""
    values = list(entries.values())[skipped:]
    per_variable = len(layout.slots)
    count, left = divmod(len(values) - len(layout.scalars) - len(layout.shared), per_variable or 1)
    if left or count < 0 or (count and not per_variable):
        return None
    saved = _after_loss_scale(entries) if skipped else Saved(entries)
    saved.records = [Record("") for _ in range(count)]
    arrays = iter(values)
    saved.scalars = {name: next(arrays) for name in layout.scalars}
    for block, record in itertools.product(layout.blocks, saved.records):
        record.slots |= {name: next(arrays) for name in block}
    saved.scalars |= {name: next(arrays) for name in layout.shared}
    single = all(x.ndim == 0 for x in [*saved.loss_scale.values(), *saved.scalars.values()])
    alike = all(
        len({x.shape for name, x in record.slots.items() if name not in layout.reshaped}) <= 1
        for record in saved.records
    )
    whole = [x for record in saved.records for x in record.slots.values() if x.dtype.kind == "i"]
    return saved if single and alike and not whole and saved.scalars["iteration"].dtype.kind == "i" else None


def is_of_another_rule(saved: Saved, declared: Layout, optimizer: Any) -> bool:
    """Returns whether a file is of another rule than the optimizer, by its writer or else by its slots."""
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
