"""What a file of saved state has, sorted, and in which order an optimizer keeps its state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

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
        unsorted: whether there are no records yet: only the variables tell which array is which.
    """

    entries: Arrays
    scalars: Arrays = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    owner: str = ""
    loss_scale: Arrays = field(default_factory=dict)
    before: Arrays = field(default_factory=dict)
    unsorted: bool = False

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
        varying: whether variables may differ in the slots that they have.
        each: if they may, for each variable the slots of the rule in Keras's files -> whether the optimizer has it too;
            None until the optimizer is built.
    """

    scalars: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...]
    reshaped: frozenset[str] = frozenset()
    of_weights: frozenset[str] = frozenset()
    varying: bool = False
    each: tuple[Mapping[str, bool], ...] | None = None

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


def after_loss_scale(entries: Arrays) -> Saved:
    """Separates the entries of a loss-scaling wrapper from the state of its inner optimizer."""
    own, inner = list(entries.items())[: len(LOSS_SCALE)], list(entries.items())[len(LOSS_SCALE) :]
    renumbered = {f"{i}{''.join(key.partition('.')[1:])}": value for i, (key, value) in enumerate(inner)}
    return Saved(renumbered, loss_scale={name: value for name, (_, value) in zip(LOSS_SCALE[2:], own[2:], strict=True)})
