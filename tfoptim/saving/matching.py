"""Matching of a file's variables with an optimizer's, across Keras's layer numbers and model-name prefixes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Shapes = dict[str, tuple[int, ...]]
Words = tuple[str, ...]
Pair = tuple[int, int]
Fits = Callable[[int, int], bool]


def match(names: Sequence[str], shapes: Sequence[Shapes], saved: Sequence[str], found: Sequence[Shapes]) -> list[Pair]:
    """Returns pairs (position in the optimizer, position in the file) of the same variable.

    Equal names match, in any order. Keras numbers the layers of a process (`dense_1` for `dense`) and may prefix a
    variable's name with the model's; if names differ only in this and no variable is missing, variables match by order.
    If some are missing, layers of one kind match by their numbers if one side has all of the other's, else by shape if
    that is unambiguous. Ambiguous variables are in no pair.

    Args:
        names: of the optimizer's variables.
        shapes: of the slots of each, by the slot's name.
        saved: names of the file's variables; all empty in a file of Keras.
        found: shapes of the slots of each.
    """

    def fits(i: int, j: int) -> bool:
        return all(shapes[i][slot] == found[j][slot] for slot in shapes[i].keys() & found[j].keys())

    if len(set(names)) == len(names) and sorted(names) == sorted(saved):
        positions = {name: j for j, name in enumerate(saved)}
        return [(i, positions[name]) for i, name in enumerate(names) if fits(i, positions[name])]
    ours, theirs = [_words(name) for name in names], [_words(name) for name in saved]
    in_order = range(len(names))
    if len(names) == len(saved) and all(map(fits, in_order, in_order)) and all(map(_may_be, ours, theirs)):
        return list(zip(in_order, in_order, strict=True))
    return [] if "" in saved else _partial(_without_model(ours, theirs), _without_model(theirs, ours), fits)


def _words(name: str) -> Words:
    return tuple(name.split("_"))


def _kind(words: Words) -> Words:
    """Returns a name without Keras's numbers."""
    return words[:1] + tuple(word for word in words[1:] if not word.isdigit())


def _may_be(ours: Words, theirs: Words) -> bool:
    a, b = _kind(ours), _kind(theirs)
    return theirs == ("",) or a[-len(b) :] == b or b[-len(a) :] == a


def _without_model(names: list[Words], others: Iterable[Words]) -> list[Words]:
    """Removes a model-name prefix that all `names` have and `others` lack."""
    endings = {_kind(other) for other in others}
    for length in range(1, max(map(len, names), default=0)):
        model = {_kind(name)[:length] for name in names}
        if len(model) == 1 and any(_kind(name)[length:] in endings for name in names):
            return [_cut(name, length) for name in names]
    return names


def _cut(name: Words, length: int) -> Words:
    """Removes the first words and the numbers after them."""
    while length and len(name) > 1:
        name, length = name[1:], length - 1
        while len(name) > 1 and name[0].isdigit():
            name = name[1:]
    return name


def _partial(ours: list[Words], theirs: list[Words], fits: Fits) -> list[Pair]:
    pairs: list[Pair] = []
    for kind in dict.fromkeys(map(_kind, ours)):
        here = [i for i, name in enumerate(ours) if _kind(name) == kind]
        there = [j for j, name in enumerate(theirs) if _kind(name) == kind]
        by_name = {theirs[j]: j for j in there}
        common = [(i, by_name[ours[i]]) for i in here if ours[i] in by_name]
        if not common:
            pairs += _by_shape(here, there, fits)
        elif len(common) == len({j for _, j in common}) == min(len(here), len(there)):
            pairs += [pair for pair in common if fits(*pair)]
    return sorted(pairs)


def _by_shape(here: list[int], there: list[int], fits: Fits) -> list[Pair]:
    """Embeds the shorter list in the longer one, in order; returns the pairs common to all embeddings."""
    if len(here) > len(there):
        return [(i, j) for j, i in _by_shape(there, here, lambda j, i: fits(i, j))]
    first = _first_way(here, there, fits)
    last = _first_way(here[::-1], there[::-1], fits)[::-1]
    return sorted({*first} & {*last}) if len(first) == len(here) else []


def _first_way(here: list[int], there: list[int], fits: Fits) -> list[Pair]:
    pairs, rest = [], iter(there)
    for i in here:
        j = next((j for j in rest if fits(i, j)), None)
        if j is not None:
            pairs.append((i, j))
    return pairs
