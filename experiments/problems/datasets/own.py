"""The arrays of a user's task: their card, and the splits that are made of them."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.errors import UserError
from experiments.problems import seeds
from experiments.problems.datasets.cards import SPLITS
from experiments.problems.datasets.examples import Examples

SHARES = (0.7, 0.85)  # where training ends and where validation ends, of data that are given as one
FORM = "three pairs of arrays (x, y): training, validation and test; or one pair, which is then split 70/15/15"


class Arrays(Examples):
    """One split in memory: inputs [n, ...] and labels [n, ...] of any shape, numbers as the user gave them."""

    @property
    def sha256(self) -> str:
        """SHA-256 of shapes and dtypes, then of inputs and labels in C order."""
        kinds = [[str(part.dtype), list(part.shape)] for part in (self.images, self.labels)]
        found = hashlib.sha256(json.dumps(kinds).encode())
        for part in (self.images, self.labels):
            found.update(np.ascontiguousarray(part).tobytes())
        return found.hexdigest()


@dataclasses.dataclass(frozen=True)
class OwnArrays:
    """The data set of a user's task."""

    name: str  # that of the task
    title: str  # title in words
    version: str  # of the code that makes it
    sizes: Mapping[str, int]  # number of examples in each split
    digests: Mapping[str, str]  # SHA-256 of each split
    arrays: Callable[[], Mapping[str, Examples]]  # runs the user's code

    url = None
    prepared = True

    @property
    def split_sha256(self) -> str:
        """SHA-256 of what the splits are: the digests of their arrays."""
        return hashlib.sha256(json.dumps(dict(self.digests), sort_keys=True).encode()).hexdigest()

    def examples(self, split: str) -> Examples:
        """Returns a split in memory."""
        return self.arrays()[split]


def splits(name: str, given: Any) -> dict[str, Arrays]:
    """Returns the splits of what a user's `data()` returned.

    Raises:
        UserError: it is not the declared form, or an array is not of numbers; with every fault, one a line.
    """
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) not in (2, 3):
        raise UserError(f"data() must return {FORM}; got {_kind(given)}.")
    if len(given) == 2 and all(map(_is_pair, given)):
        raise UserError(f"data() must return {FORM}; got two pairs: add one, or give one, which is split.")
    pairs = list(given) if len(given) == 3 else [given]
    words = SPLITS if len(given) == 3 else ("",)
    if wrong := [word for word, pair in zip(words, pairs, strict=True) if not _is_pair(pair)]:
        raise UserError(f"data() must return {FORM}; its {wrong[0]} is {_kind(pairs[words.index(wrong[0])])}.")
    faults: list[str] = []
    found = [
        tuple(_array(f"{word}: {axis}" if word else axis, part, faults) for axis, part in zip("xy", pair, strict=True))
        for word, pair in zip(words, pairs, strict=True)
    ]
    if not faults:
        faults += _shapes(words, found)
    if faults:
        raise UserError("\n".join(faults))
    parts = [Arrays(x, y) for x, y in (found if len(given) == 3 else _split(name, *found[0]))]
    return dict(zip(SPLITS, parts, strict=True))


def _is_pair(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str) and len(given) == 2


def _kind(given: Any) -> str:
    return f"{len(given)} parts" if isinstance(given, list | tuple) else f"a {type(given).__name__}"


def _array(where: str, given: Any, faults: list[str]) -> np.ndarray:
    """Returns numbers in the precision that is trained in: float32, or whole numbers; labels of 64 bits have 32."""
    try:
        found = np.asarray(given)
    except ValueError:  # rows of different lengths
        found = np.asarray(None)
    if found.ndim == 0 or found.dtype.kind not in "fiub":
        rows = f"a {type(given).__name__}" if isinstance(given, Mapping) else "no rows of one length"
        what = f"dtype {found.dtype}" if found.ndim else rows
        faults.append(f"data(): {where} must be an array of numbers, [n, ...], got {what}.")
    elif found.dtype.kind == "f":
        found = _float32(where, found, faults)
    elif found.dtype != np.uint8:
        if found.size and (found.min() < -(2**31) or found.max() >= 2**31):
            faults.append(f"data(): {where} has whole numbers beyond 32 bits; give them as floats.")
        found = found.astype(np.int32)
    if where.endswith("y") and found.dtype == np.uint8:
        found = found.astype(np.int32)
    return found


def _float32(where: str, found: np.ndarray, faults: list[str]) -> np.ndarray:
    """Returns floats in the precision that is trained in; adds a fault where they are none there."""
    if not np.isfinite(found).all():
        faults.append(f"data(): {where} has values that are not finite (NaN or infinity).")
    elif np.abs(found).max(initial=0) > np.finfo(np.float32).max:
        faults.append(f"data(): {where} has values beyond float32, in which models are trained (3.4e38).")
    with np.errstate(over="ignore"):
        return found.astype(np.float32)


def _shapes(words: Sequence[str], found: Sequence[tuple[np.ndarray, ...]]) -> list[str]:
    """Returns the faults between arrays: lengths of x and y, emptiness, and shapes that differ between splits."""
    faults = []
    least = 1 if len(found) > 1 else 7  # so that each part of one pair has an example
    for word, (x, y) in zip(words, found, strict=True):
        where = f"data(): {word}: " if word else "data(): "
        if len(x) != len(y):
            faults.append(f"{where}x has {len(x)} examples and y has {len(y)}; they must be as many.")
        elif len(x) < least:
            faults.append(f"{where}{len(x)} examples are too few; give at least {least}.")
        for axis, part, first in (("x", x, found[0][0]), ("y", y, found[0][1])):
            if (part.shape[1:], part.dtype) != (first.shape[1:], first.dtype):
                faults.append(
                    f"{where}{axis} has {part.dtype} of the shape {part.shape}, and the training split has "
                    f"{first.dtype} of the shape {first.shape}; only the number of examples may differ."
                )
    return faults


def _split(name: str, x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns three parts of all examples, drawn in an order that the task's name decides."""
    order = seeds.order(name, 0, 0, len(x))
    return [(x[rows], y[rows]) for rows in np.split(order, [int(share * len(x)) for share in SHARES])]
