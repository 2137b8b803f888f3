"""At which steps a run is evaluated: the same for every optimizer, and never by the clock (rule B13)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

EARLY = 10  # points of the first pass, evenly apart on a logarithmic scale
PARTS = 50  # equal parts of the rest, at most


class Stretch(NamedTuple):
    """Steps of one pass between two evaluations, or between an evaluation and the end of the pass."""

    epoch: int  # number of the pass, from 1
    first: int  # number of its first step within the pass, from 0
    last: int  # number of the step behind its last one


def protocol(steps: int, epochs: int) -> list[int]:
    """Returns the protocol's grid: 0, 1, ten points evenly apart in logarithm over the first pass, fifty over the rest.

    >>> protocol(391, 100)[:12], len(protocol(391, 100))
    ([0, 1, 2, 3, 6, 11, 20, 36, 65, 119, 215, 391], 62)
    """
    total = steps * epochs
    early = {int(steps ** (j / EARLY) + 0.5) for j in range(1, EARLY + 1)}
    late = {steps + int((total - steps) * j / PARTS + 0.5) for j in range(1, PARTS + 1)}
    return sorted(step for step in {0, 1} | early | late if step <= total)


def doubling(steps: int, epochs: int) -> list[int]:
    """Returns the usual grid: 0, 1, 2, 4, 8 ... in the first pass; then after each, or after fifty equal parts of more.

    Evaluations then take a sixth of a run's time, where those of `protocol` take longer than its training.

    >>> doubling(32, 3), len(doubling(391, 100))
    ([0, 1, 2, 4, 8, 16, 32, 64, 96], 61)
    """
    rest, parts = steps * (epochs - 1), max(1, min(PARTS, epochs - 1))
    early = {2**j for j in range(steps.bit_length())}
    return sorted(
        {0, *(step for step in early if step < steps)} | {steps + rest * j // parts for j in range(parts + 1)}
    )


def passes(steps: int, epochs: int) -> list[int]:
    """Returns the grid of one evaluation before the first pass, and one after each."""
    return [steps * epoch for epoch in range(epochs + 1)]


GRIDS = {"doubling": doubling, "protocol": protocol, "passes": passes}
DOUBLING, PROTOCOL, PASSES = GRIDS


def scored(sizes: Mapping[str, int], *, by_case: bool = False) -> dict[str, int]:
    """Returns how many examples of each split scores are of: all, but of a large training set as many as of validation.

    So it is of a large test set whose whole cases are scored in the end, `by_case`. Where validation has fewer than
    ten, as of functions without noise, it is no measure.

    >>> scored({"train": 4_000, "validation": 500, "test": 600})
    {'train': 500, 'validation': 500, 'test': 600}
    """
    part = sizes.get("validation", sizes["train"])
    large = ("train", "test") if by_case else ("train",)
    return {k: part if k in large and 10 <= part <= whole / 2 else whole for k, whole in sizes.items()}


def stretches(steps: int, first: int, last: int) -> list[Stretch]:
    """Returns the steps from one evaluation to the next, cut where passes end.

    >>> stretches(10, 8, 21)
    [Stretch(epoch=1, first=8, last=10), Stretch(epoch=2, first=0, last=10), Stretch(epoch=3, first=0, last=1)]
    """
    ends = range((first // steps + 1) * steps, last, steps)
    return [Stretch(a // steps + 1, a % steps, a % steps + b - a) for a, b in pairwise([first, *ends, last])]


def epoch_of(step: int, steps: int) -> int | float:
    """Returns how many passes a number of steps are: a whole number where they are whole."""
    return step / steps if step % steps else step // steps
