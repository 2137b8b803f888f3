"""Generated data: the rows of the quadratic, and those of test functions, which have no data at all.

An epoch of a test function is twenty rows of zeros, or its rows of noise, so that with batches of one an epoch is
twenty steps and as many gradient evaluations. It is scored on one row of zeros: the exact function.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from experiments.errors import UserError
from experiments.problems.datasets.cards import SPLITS
from experiments.problems.datasets.examples import Examples
from experiments.problems.functions import FUNCTIONS, NOISE_ROWS, Function
from experiments.problems.quadratic import QUADRATIC_DEEP

PASS = 20
WHOLE = 896  # of 1,000 rows, those that fill batches of 128

Rows = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class MadeCard:
    """A generated data set."""

    name: str  # its name in studies
    title: str  # title in words
    version: str  # raised whenever its rows change
    sizes: Mapping[str, int]  # number of rows in each split
    digests: Mapping[str, str]  # SHA-256 of each split's rows, where draws could differ between machines
    rows: Callable[[str], Rows]  # makes the rows of a split, float32 [n, coordinates]
    noise: bool = True  # whether the rows differ; else they are zeros, a row for each step

    url = None
    prepared = True

    @property
    def split_sha256(self) -> str:
        """SHA-256 of what the splits are: their sizes, and the digests of their rows."""
        content = [dict(self.sizes), dict(self.digests)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def examples(self, split: str) -> Examples:
        """Returns a split in memory, its labels 0 and without meaning; refuses rows of other draws."""
        rows = self.rows(split)
        made = Examples(rows, np.zeros(len(rows), np.int32))
        expected = self.digests.get(split, made.sha256)
        if made.sha256 != expected:
            raise UserError(
                f"The {split} rows of {self.name} that this machine makes have SHA-256 {made.sha256}, expected "
                f"{expected}: its NumPy {np.__version__} draws or rounds them differently."
            )
        return made


def _of_function(function: Function) -> MadeCard:
    size = NOISE_ROWS if function.noisy else PASS
    words = f"{size:,} rows of noise, for {function.title}" if function.noisy else f"none; a pass is {size} steps"
    return MadeCard(
        name=function.name,
        title=words,
        version="1.0.0",
        sizes={"train": size, "validation": 1, "test": 1},
        digests={},
        rows=functools.partial(_noise, function),
        noise=function.noisy,
    )


def _noise(function: Function, split: str) -> Rows:
    if split == "train" and function.noisy:
        return function.noise()
    return np.zeros((PASS if split == "train" else 1, function.parameters), np.float32)


def _of_quadratic(name: str, words: str, rows: int, digests: Mapping[str, str]) -> MadeCard:
    """Returns the quadratic's rows; of those that are evaluated on, the first ones alone."""

    def made(split: str) -> Rows:
        return QUADRATIC_DEEP.rows(split)[: sizes[split]].astype(np.float32)

    sizes = {split: 1_000 if split == "train" else rows for split in SPLITS}
    return MadeCard(name, f"normal draws in 100 dimensions{words}", "1.0.0", sizes, digests, made)


MADE: Mapping[str, MadeCard] = {
    card.name: card
    for card in (
        _of_quadratic(
            "quadratic_deep",
            "",
            1_000,
            {
                "train": "7122b1d73200de7c5264b7b8e9b5d356272c29581ed52ad49c0a9861db9d956f",
                "validation": "9b0bc55e4d5f23123ca67b43ce9b35f65e0c98b0837db194930c8bfe22080c14",
                "test": "5ed1016d1ec8579769683f8483defa29551bf7b8c88a9c5a08a9bff8df7fd2da",
            },
        ),
        _of_quadratic(
            "deepobs_quadratic_deep",
            ", evaluated without the last part of a batch",
            WHOLE,
            {
                "train": "7122b1d73200de7c5264b7b8e9b5d356272c29581ed52ad49c0a9861db9d956f",
                "validation": "a6aabab39179040e25bbfe8800d3941188ea71588a610741c41a59853ca84d31",
                "test": "e4828362c12cd1864ef5292637d5be7fb7eb450c85ea94659d29d6f44f6e9ecc",
            },
        ),
        *map(_of_function, FUNCTIONS.values()),
    )
}
