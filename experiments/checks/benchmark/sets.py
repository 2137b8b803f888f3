"""The variables that are updated: the shapes of real models, and an embedding table. Imports no library."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator

Shape = tuple[int, ...]
ROWS_OF_GRADIENT = 1_024
REPEATED_ROWS = 256


@dataclasses.dataclass(frozen=True)
class VariableSet:
    """Variables that one step updates.

    Attributes:
        name: its name on the command line.
        title: what it is, in tables and figures.
        shapes: one shape a variable.
        table: whether it is an embedding table, of whose rows only some get a gradient, some of them repeatedly.
    """

    name: str
    title: str
    shapes: tuple[Shape, ...]
    table: bool = False

    @property
    def elements(self) -> int:
        """Number of weights."""
        return sum(map(math.prod, self.shapes))

    @property
    def touched(self) -> int:
        """Number of weights that get a gradient."""
        if not self.table:
            return self.elements
        return (ROWS_OF_GRADIENT - REPEATED_ROWS) * self.shapes[0][1]

    @property
    def words(self) -> str:
        """Its title with its size."""
        count, size = len(self.shapes), self.elements
        millions = f"{size / 1e6:.0f} M" if size >= 1e7 else f"{size / 1e6:.2g} M"
        return f"{self.title}: {millions} in {count} variable{'s' if count > 1 else ''}"


def mlp() -> Iterator[Shape]:
    """Gives the shapes of the perceptron 784-1000-500-100-10: 8 variables."""
    sizes = (784, 1000, 500, 100, 10)
    for inputs, outputs in itertools.pairwise(sizes):
        yield from ((inputs, outputs), (outputs,))


def unet() -> Iterator[Shape]:
    """Gives the shapes of a U-Net 32-64-128-256-512 with batch normalisation: 82 variables."""
    widths = (32, 64, 128, 256, 512)
    for inputs, width in zip((1, *widths), widths, strict=False):
        yield from _double(inputs, width)
    for width in widths[-2::-1]:
        yield from ((2, 2, width, 2 * width), (width,))  # the transposed convolution of the way up
        yield from _double(2 * width, width)
    yield from ((1, 1, widths[0], 1), (1,))


def _double(inputs: int, width: int) -> Iterator[Shape]:
    """Gives two convolutions 3x3, each with bias, scale and shift."""
    for before in (inputs, width):
        yield from ((3, 3, before, width), (width,), (width,), (width,))


def small() -> Iterator[Shape]:
    """Gives 400 vectors of 2,000 elements, such as the biases and norms of a deep and narrow network."""
    yield from itertools.repeat((2_000,), 400)


def resnet50() -> Iterator[Shape]:
    """Gives the shapes of ResNet-50 (He et al., 2015): 161 variables, 25.6 million weights."""
    yield from _normalised(7, 3, 64)
    inputs = 64
    for blocks, width in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for block in range(blocks):
            if block == 0:
                yield from _normalised(1, inputs, 4 * width)  # the shortcut
            yield from _normalised(1, inputs, width)
            yield from _normalised(3, width, width)
            yield from _normalised(1, width, 4 * width)
            inputs = 4 * width
    yield from ((2048, 1000), (1000,))


def _normalised(size: int, inputs: int, outputs: int) -> Iterator[Shape]:
    """Gives a convolution without bias, and the scale and shift after it."""
    yield from ((size, size, inputs, outputs), (outputs,), (outputs,))


def bert_base() -> Iterator[Shape]:
    """Gives the shapes of BERT-base, uncased (Devlin et al., 2018): 199 variables, 109.5 million weights."""
    width, inner = 768, 3072
    yield from ((30522, width), (512, width), (2, width), (width,), (width,))
    for _ in range(12):
        for inputs, outputs in ((width, width),) * 4 + ((width, inner), (inner, width)):
            yield from ((inputs, outputs), (outputs,))
        yield from ((width,),) * 4
    yield from ((width, width), (width,))


SETS = {
    found.name: found
    for found in (
        VariableSet("mlp", "MLP", tuple(mlp())),
        VariableSet("unet", "U-Net", tuple(unet())),
        VariableSet("small", "Small variables", tuple(small())),
        VariableSet("resnet50", "ResNet-50", tuple(resnet50())),
        VariableSet("bert_base", "BERT-base", tuple(bert_base())),
        VariableSet("table", "Embedding, 1 M rows", ((1_000_000, 64),), table=True),
        VariableSet("table_1k", "Embedding, 1 k rows", ((1_000, 64),), table=True),
    )
}
MEAN_OVER = ("mlp", "unet", "small", "resnet50")
"""The sets that the geometric mean of a rule is taken over."""
