"""Files of Keras, which name no variable: what an array is follows from its position."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tfoptim.saving.layout import LOSS_SCALE, OPTIONAL, Arrays, Layout, Record, Saved, after_loss_scale


def by_position(entries: Arrays, layout: Layout) -> Saved | None:
    """Returns the sorted content of a file of Keras, or None if it fits no variant of a layout.

    Where variables differ in their slots, it is sorted by `sort`, once the optimizer is built.
    """
    # Where Keras has placeholders, which are integers as counters are, a loss scale is what fits first.
    skips = (len(LOSS_SCALE), 0) if layout.varying else (0, len(LOSS_SCALE))
    for skipped, variant in itertools.product(skips, layout.variants()):
        saved = _fitting(entries, variant, skipped)
        if saved is not None:
            return saved
    return None


def sort(saved: Saved, layout: Layout) -> Saved:
    """Returns the unsorted content of a file with its records, or without any if they do not fit the variables."""
    found = by_position(saved.entries, layout)
    return replace(saved, unsorted=False, records=found.records if found else [])


def _fitting(entries: Arrays, layout: Layout, skipped: int) -> Saved | None:
    """Sorts a file if its arrays, after the first `skipped`, fit a layout; else returns None."""
    values = list(entries.values())[skipped:]
    first, last = len(layout.scalars), len(values) - len(layout.shared)
    if first > last:
        return None
    saved = after_loss_scale(entries) if skipped else Saved(entries)
    saved.scalars = dict(zip(layout.scalars, values[:first], strict=True))
    saved.scalars |= dict(zip(layout.shared, values[last:], strict=True))
    single = all(x.ndim == 0 for x in [*saved.loss_scale.values(), *saved.scalars.values()])
    if not single or saved.scalars["iteration"].dtype.kind != "i":
        return None
    saved.unsorted = layout.varying and layout.each is None
    rest = [x for x in values[first:last] if not (layout.varying and x.dtype.kind == "i")]  # without placeholders
    records = [] if saved.unsorted else _records(rest, layout)
    return None if records is None else replace(saved, records=records)


def _records(values: Sequence[np.ndarray], layout: Layout) -> list[Record] | None:
    """Returns the state of each variable out of arrays in the order of a layout, or None if they do not fit."""
    each = _each(len(values), layout)
    if each is None or sum(name in names for names in each for name in layout.slots) != len(values):
        return None
    records, arrays = [Record("") for _ in each], iter(values)
    for block, (record, names) in itertools.product(layout.blocks, list(zip(records, each, strict=True))):
        record.slots |= {name: next(arrays) for name in block if name in names}
    for record, names in zip(records, each, strict=True):
        record.slots = {name: x for name, x in record.slots.items() if names[name]}
    return records if all(_is_state(record, layout) for record in records) else None


def _each(count: int, layout: Layout) -> Sequence[Mapping[str, bool]] | None:
    """Returns the slots of each variable in the file -> whether they are taken; None if not all have the same."""
    if layout.each is not None:
        return [dict.fromkeys(OPTIONAL, True) | dict(names) for names in layout.each]
    every = dict.fromkeys(layout.slots, True)
    variables, left = divmod(count, len(every) or 1)
    return None if left or (variables and not every) else [every] * variables


def _is_state(record: Record, layout: Layout) -> bool:
    """Returns whether all slots are floats, and those that have the shape of their variable have one shape."""
    shapes = {x.shape for name, x in record.slots.items() if name not in layout.reshaped}
    return len(shapes) <= 1 and all(x.dtype.kind != "i" for x in record.slots.values())
