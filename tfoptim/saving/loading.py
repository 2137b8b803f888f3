"""Saving and loading of optimizer state; the table in `tfoptim.state` lists all cases."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfoptim import state
from tfoptim.declaration.slots import from_weights, slot_groups, start_value
from tfoptim.saving.added import plain, take_added
from tfoptim.saving.files import is_of_another_rule, of_part, read, split
from tfoptim.saving.layout import OPTIONAL, Layout, Saved
from tfoptim.saving.matching import Pair, match
from tfoptim.saving.positions import sort


def save(optimizer: Any, store: Any) -> None:
    """Writes each variable under its position and name, such as `3.adam.dense_kernel_v`, then the state of parts.

    A pending state, which waits for `build`, is written as it was read.
    """
    entries = dict(_entries(optimizer))
    for name, part in optimizer._named_parts.items():
        entries |= {of_part(name, len(entries) + i, key): value for i, (key, value) in enumerate(_entries(part))}
    for key, value in entries.items():
        store[key] = value


def _entries(optimizer: Any) -> Iterator[tuple[str, Any]]:
    waiting = optimizer._runtime.waiting
    if waiting is None:
        for key, variable in zip(keys(optimizer), optimizer._variables, strict=True):
            yield key, state.total(optimizer, variable)
        return
    old, now = waiting.scalars.get("learning_rate"), counters(optimizer).get("learning_rate")
    for key, value in waiting.entries.items():
        yield key, now.numpy() if value is old and now is not None else value  # it may have been assigned since


def keys(optimizer: Any) -> list[str]:
    """Returns the key of each variable in a file, made unique by its position."""
    return [f"{i}.{v.path.replace('/', '.')}" for i, v in enumerate(optimizer._variables)]


def load(optimizer: Any, store: Mapping[str, Any]) -> Saved | None:
    """Loads the matching state of a store, now or when the optimizer is built.

    Returns:
        The content of the store, or None if it is empty.

    Raises:
        ValueError: the state is of another rule, or that of a part is; the optimizer is unchanged.
    """
    runtime = optimizer._runtime
    if not len(store.keys()):
        if runtime.refusal is not None:  # after a refusal, Keras tries a second place, which is empty
            raise ValueError(runtime.refusal)
        return None
    joined = optimizer._named_parts
    own, of_parts = split(store) if joined else (store, {})
    try:
        saved = _checked(optimizer, own)
        found = [(part, _checked(part, of_parts[name])) for name, part in joined.items() if name in of_parts]
    except ValueError as error:
        runtime.refusal = str(error)
        raise
    runtime.refusal = None
    for one, its in [(optimizer, saved), *found]:
        _take_or_wait(one, its)
    for part in (part for name, part in joined.items() if name not in of_parts and part.built):
        _start_from_weights(part, _kept(part), {})
    if joined.keys() != of_parts.keys():
        theirs, ours = (
            _listed(sorted(of_parts.keys() - joined.keys())),
            _listed(sorted(joined.keys() - of_parts.keys())),
        )
        _warn(optimizer, f"the file has other parts. Not used: {theirs or 'none'}; not in the file: {ours or 'none'}.")
    return saved


def _checked(optimizer: Any, store: Mapping[str, Any]) -> Saved:
    """Returns the sorted content of a store; raises if it is of another rule."""
    declared = layout(optimizer)
    saved = read(store, declared)
    if saved is None or is_of_another_rule(saved, declared, optimizer):
        raise ValueError(_refusal(optimizer, declared, saved))
    return saved


def _take_or_wait(optimizer: Any, saved: Saved) -> None:
    if optimizer.built:
        take(optimizer, saved)
        return
    saved.before = {name: variable.numpy() for name, variable in counters(optimizer).items()}
    optimizer._runtime.waiting = saved
    _take_counters(optimizer, saved)


def take(optimizer: Any, saved: Saved) -> None:
    """Assigns matching state to a built optimizer, and lists in one warning what only one of the two has."""
    ours, saved = _kept(optimizer), sort(saved, layout(optimizer)) if saved.unsorted else saved
    pairs = match(
        [mine.name for mine in ours],
        [{slot: tuple(v.shape) for slot, v in mine.slots.items()} for mine in ours],
        [theirs.name for theirs in saved.records],
        [{slot: x.shape for slot, x in theirs.slots.items()} for theirs in saved.records],
    )
    if not saved.trained:
        return
    if ours and not pairs:
        for name, value in saved.before.items():
            counters(optimizer)[name].assign(value)
        names = _listed([record.name for record in saved.records if record.name]) or "none by name"
        _warn(optimizer, f"the file has state of other variables, and nothing was taken. It has: {names}.")
        return
    for mine, theirs in ((ours[i].slots, saved.records[j].slots) for i, j in pairs):
        for slot in mine.keys() & theirs.keys():
            state.hand_over(optimizer, mine[slot], theirs[slot])
    for name in optimizer.shared.keys() & saved.scalars.keys():
        optimizer._runtime.shared[name].assign(saved.scalars[name])
    if not saved.before:
        _take_counters(optimizer, saved)
    _start_from_weights(optimizer, ours, {i: saved.records[j].slots for i, j in pairs})
    _name_the_rest(optimizer, ours, saved, pairs, *take_added(optimizer, saved))


def layout(optimizer: Any) -> Layout:
    """Returns the layout of an optimizer's state, built or not, in the order of its files."""
    average = [("average",)] if optimizer.given("use_ema") else []
    sums = [("gradient_accumulator",)] if optimizer.gradient_accumulation_steps else []
    groups = [group for group in slot_groups(optimizer) if group]
    reshaped = frozenset(name for group in groups for name, slot in group.items() if slot.reshaped)
    of_weights = frozenset(from_weights(optimizer))
    blocks = (*average, *sums, *map(tuple, groups))
    varying = any(callable(slot.shape) and slot.reshaped for group in groups for slot in group.values())
    own = [slots for slots in optimizer._runtime.slots if slots] if varying and optimizer.built else None
    each = None if own is None else tuple(map(optimizer._rule_class.slots_in_keras, own))
    return Layout(tuple(counters(optimizer)), blocks, tuple(optimizer.shared), reshaped, of_weights, varying, each)


def counters(optimizer: Any) -> dict[str, Any]:
    """Returns the variables of an optimizer that is not built: its counter, and its learning rate unless scheduled."""
    rate = optimizer._learning_rate
    scalars = {"iteration": optimizer._iterations}
    return scalars | ({"learning_rate": rate} if isinstance(rate, keras.Variable) else {})


@dataclass(frozen=True)
class _Kept:
    """State of one variable: its name in files, the variable, and its slots."""

    name: str
    variable: Any
    slots: dict[str, Any]


def _kept(optimizer: Any) -> list[_Kept]:
    """Returns the variables of an optimizer that have state."""
    kept = []
    for i, variable in enumerate(optimizer._trainable_variables):
        slots = dict(optimizer._runtime.slots[i])
        if optimizer.given("use_ema") and optimizer._runtime.averages[i] is not None:
            slots["average"] = optimizer._runtime.averages[i]
        if optimizer.gradient_accumulation_steps:
            slots["gradient_accumulator"] = optimizer._accumulated_gradients[i]
        if slots:
            slot, named = next(iter(slots.items()))
            kept.append(_Kept(named.name[: -len(slot) - 1], variable, slots))
    return kept


def _take_counters(optimizer: Any, saved: Saved) -> None:
    """Assigns counter and learning rate; a file without accumulation counts updates, each worth several calls."""
    collected = any("gradient_accumulator" in record.slots for record in saved.records)
    calls = 1 if collected else optimizer.gradient_accumulation_steps or 1
    for name, variable in counters(optimizer).items():
        if name in saved.scalars:
            variable.assign(saved.scalars[name] * calls if name == "iteration" else saved.scalars[name])


def _start_from_weights(optimizer: Any, ours: Sequence[_Kept], taken: Mapping[int, Mapping[str, Any]]) -> None:
    """Starts averages and slots that depend on the weights from the present weights, if the file lacks them."""
    slots = from_weights(optimizer)
    for i, mine in enumerate(ours):
        for name in mine.slots.keys() & {*slots, "average"} - taken.get(i, {}).keys():
            value = start_value(optimizer, slots[name], mine.variable) if name in slots else mine.variable
            mine.slots[name].assign(keras.ops.cast(value, mine.slots[name].dtype))


def _name_the_rest(
    optimizer: Any, ours: Sequence[_Kept], saved: Saved, pairs: Sequence[Pair], used: set[str], lacking: set[str]
) -> None:
    """Warns of state that only the file or only the optimizer has; of added variables, what is used, and lacking."""
    mine, theirs = dict(pairs), {j: i for i, j in pairs}
    unused = [
        f"{record.name}_{slot}" if j in theirs else record.name
        for j, record in enumerate(saved.records)
        for slot in (record.slots.keys() - ours[theirs[j]].slots.keys() if j in theirs else [""])
    ]
    fresh = [
        f"{kept.name}_{slot}" if i in mine else kept.name
        for i, kept in enumerate(ours)
        for slot in (kept.slots.keys() - saved.records[mine[i]].slots.keys() if i in mine else [""])
    ]
    known = counters(optimizer).keys() | optimizer.shared.keys()
    unused += sorted(saved.scalars.keys() - known)
    unused = [name for name in unused if plain(name) not in used]
    fresh += sorted({*(known - saved.scalars.keys()), *lacking})
    parts = [f"not used: {_listed(unused)}"] * bool(unused) + [f"not in the file: {_listed(fresh)}"] * bool(fresh)
    if parts:
        _warn(optimizer, f"the file has state for other variables. Taken for {len(pairs)}; {'; '.join(parts)}.")
    else:
        optimizer._runtime.warning = None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 7 else ""
    return ", ".join(names[: 6 if more else 7]) + more


def _warn(optimizer: Any, text: str) -> None:
    """Warns once per message: Keras loads a wrapped optimizer twice, with its wrapper and by itself."""
    message = f"{optimizer.name}: {text}"
    if optimizer._runtime.warning != message:
        optimizer._runtime.warning = message
        warnings.warn(message, UserWarning, stacklevel=2)


def _refusal(optimizer: Any, declared: Layout, saved: Saved | None) -> str:
    ours = _described(set(declared.slots) - set(OPTIONAL))
    theirs = (
        "a state that does not fit"
        if saved is None
        else f"{saved.owner or 'an optimizer'} with {_described(saved.slots)}"
    )
    return (
        f"{optimizer.name}: the saved state is of another optimizer. The file has {theirs}; "
        f"{type(optimizer).__name__} keeps {ours}. The optimizer is unchanged. To load the weights alone: "
        "`load_weights(..., skip_mismatch=True)`, `load_model(..., compile=False)`, or load before `compile`."
    )


def _described(slots: set[str]) -> str:
    return f"{', '.join(sorted(slots))} for each variable" if slots else "nothing for a variable"
