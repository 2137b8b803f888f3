"""Means of squares in factors: the means of a matrix's rows and columns, for rules with little memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tfoptim.declaration.slots import Shape, Slot
from tfoptim.ops import mean, ratio, sqrt
from tfoptim.optimizer import Optimizer


class Factored(Optimizer):
    """Base of Adafactor: what it takes over from Keras's, which keeps r, c and a whole v of every variable."""

    elementwise = False

    as_in_keras: ClassVar[dict[str, Any]] = {"relative_step": True}  # whatever its own argument of that name is
    needed_in_keras = ("epsilon_2",)

    @staticmethod
    def slots_in_keras(slots: Mapping[str, Any]) -> dict[str, bool]:
        """Returns for r, c and v whether a variable has them here: Keras has a whole v of a matrix too."""
        return {name: name in slots for name in FACTORS if name in slots or name == "v"}

    def state_of_keras(self, optimizer: Any) -> list[Any]:
        """Returns Keras's state without the second moments that the factors make up for, and without placeholders."""
        return [theirs for own, theirs in self._beside(optimizer) if own is not None]

    def state_for_keras(self, optimizer: Any) -> list[Any]:
        """Returns the state of this optimizer, and for what only Keras has that as it is: Keras does not read it."""
        return [theirs if own is None else own for own, theirs in self._beside(optimizer)]

    def _beside(self, optimizer: Any) -> list[tuple[Any, Any]]:
        """Returns the variables of both, side by side; None where only Keras has one, as its placeholders, integers."""
        theirs = [(x, i > 0 and x.dtype.startswith("int")) for i, x in enumerate(optimizer._variables)]
        slots = [slots.get(name) for slots in self._runtime.slots for name in self.slots_in_keras(slots)]
        of_all = sum(not placeholder for _, placeholder in theirs) - len(slots)
        own = iter([*self._variables[:of_all], *slots])
        return [(None if placeholder else next(own), x) for x, placeholder in theirs]


def rows(shape: Shape, path: str) -> Shape | None:
    """Returns the shape of the means along the last axis; numbers and vectors have none."""
    del path
    return shape[:-1] if len(shape) > 1 else None


def columns(shape: Shape, path: str) -> Shape | None:
    """Returns the shape of the means along the last axis but one; numbers and vectors have none."""
    del path
    return (*shape[:-2], shape[-1]) if len(shape) > 1 else None


def whole(shape: Shape, path: str) -> Shape | None:
    """Returns the shape of what is not factored: numbers and vectors."""
    del path
    return shape if len(shape) < 2 else None


FACTORS = {"r": Slot(shape=rows), "c": Slot(shape=columns), "v": Slot(shape=whole)}
"""Slots of a mean of squares: r and c of a matrix, or of each matrix in the last two axes, else v."""


def root(beta: Any, squares: Any, s: Any) -> Any:
    """Moves the mean of squares in the slots `FACTORS` on, and returns its square root.

    The root of the product of two factors is the product of their roots, which cannot vanish in float32 where the
    product would.

    Args:
        beta: share of the old mean that is kept.
        squares: of the shape of the variable.
        s: slots.
    """
    if "v" in s:
        s.v = beta * s.v + (1 - beta) * squares
        return sqrt(s.v)
    s.r = beta * s.r + (1 - beta) * mean(squares, -1)
    s.c = beta * s.c + (1 - beta) * mean(squares, -2)
    return sqrt(ratio(s.r, mean(s.r, -1, keepdims=True)))[..., None] * sqrt(s.c)[..., None, :]
