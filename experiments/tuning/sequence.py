"""Scrambled Halton points: evenly spread, and each a pure function of (problem, round, axis, index).

A point needs no other one, so that runs need no coordination; and the coordinate on an axis depends neither on the
optimizer nor on how many axes there are, so that all optimizers try the same rates relative to their documented
defaults. Each digit of the index is permuted by itself (Owen, "A randomized Halton algorithm in R", 2017), as SciPy
does; but the permutations come from SHA-256, so that a study's points outlive every change of a random generator.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from experiments.problems import seeds

BASES = (2, 3, 5, 7, 11, 13)  # the prime that the indices are written in, for each axis
BITS = 53  # of a float: with no more digits than fit, every point is exact


def halton(problem: str, round_: int, axis: int, index: int) -> float:
    """Returns the place of a point on an axis, in [0, 1).

    Args:
        problem: name of the problem.
        round_: number of the search on it; another round is another scramble.
        axis: number of the axis, from 0, below 6.
        index: number of the point, from 0.
    """
    return radical_inverse(index, permutations(problem, round_, axis))


def radical_inverse(index: int, digits: Sequence[Sequence[int]]) -> float:
    """Returns the number whose digits behind the point are those of an index, the last one first, each permuted.

    Args:
        index: a whole number from 0.
        digits: for each digit what it is replaced by; its own order leaves the plain Halton sequence.
    """
    numerator, base = 0, len(digits[0])
    for permutation in digits:
        index, digit = divmod(index, base)
        numerator = numerator * base + permutation[digit]
    denominator: int = base ** len(digits)
    return numerator / denominator


@functools.cache
def permutations(problem: str, round_: int, axis: int) -> tuple[tuple[int, ...], ...]:
    """Returns the scramble of an axis: for each digit, the digits in an order that hashing them decides."""
    base = BASES[axis]
    count = max(n for n in range(1, BITS + 1) if base**n <= 2**BITS)
    return tuple(
        tuple(sorted(range(base), key=lambda value: seeds.derive(problem, round_, f"search|{axis}|{place}|{value}")))
        for place in range(count)
    )
