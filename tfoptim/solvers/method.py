"""Base class of methods that minimize a loss along directions, from one point to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tfoptim.declaration.domains import Integer
from tfoptim.solvers.line_search import Wolfe
from tfoptim.solvers.point import Point

Product = Callable[[np.ndarray], np.ndarray]
"""Gives the product of the Hessian at the present point and a vector."""


@dataclass(frozen=True)
class Method:
    """A method: directions, and what it remembers from step to step.

    A subclass defines `direction`, and `begin` and `learn` if it remembers anything. All work on float64 vectors of one
    length n. The object itself is not changed by a search, so it can be used again.
    """

    curvature: ClassVar[float] = 0.9
    """Share of the slope that the line search leaves, unless `minimize` is given a search."""

    largest: ClassVar[int | None] = None
    """Number of weights up to which the method is possible, if it keeps matrices."""

    needs_residuals: ClassVar[bool] = False
    """Whether the sum of squares is not enough; then `least_squares` runs it."""

    unit: ClassVar[bool] = False
    """Whether directions have the length of a step from the start."""

    longest: ClassVar[float] = 1.0
    """Longest step to try first."""

    def __format__(self, spec: str) -> str:
        # An f-string is how `compile(optimizer=...)` names what it refuses.
        first, then = self._lines()
        return f"{first}\n    {then}, model.trainable_variables, tfoptim.solvers.{self!r})"

    def _lines(self) -> tuple[str, str]:
        """Returns what is needed and a line to write, and the beginning of the line after it."""
        what = f"{type(self).__name__} needs the loss, not only gradients; write these two lines:"
        return f"{what}\n    model.compile(loss=...)", "tfoptim.minimize(tfoptim.full_loss(model, x, y)"

    # Methods that a method defines

    def begin(self, n: int) -> Any:
        """Returns an empty memory for n weights."""
        del n
        return []

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        """Returns the direction in which to search."""
        raise NotImplementedError(f"{type(self).__name__} must define direction(memory, point, product).")

    def learn(self, memory: Any, old: Point, new: Point) -> Any:
        """Returns the memory after a step."""
        del old, new
        return memory

    # The step that all have

    def check_size(self, n: int) -> None:
        """Raises if the method would keep matrices that are too large."""
        if self.largest is not None and n > self.largest:
            raise ValueError(
                f"{type(self).__name__} keeps a matrix of n x n numbers and takes at most n = {self.largest:,} "
                f"weights, got {n:,}; take LBFGS."
            )

    def advance(self, objective: Any, point: Any, memory: Any, search: Wolfe) -> tuple[Any, Any]:
        """Returns the next point, None if no step decreases the loss, and the memory with that decrease.

        A direction that does not descend, or along which the search fails, is replaced once by that of steepest
        descent, with an empty memory.
        """

        def product(v: np.ndarray) -> np.ndarray:
            found: np.ndarray = objective.product(point.x, v)
            return found

        memory, fall = (self.begin(len(point.x)), None) if memory is None else memory
        directions = [self.direction(memory, point, product), -point.gradient]
        for k, p in enumerate(directions):
            if not np.all(np.isfinite(p)) or p @ point.gradient >= 0:
                continue
            if k:
                memory, fall = self.begin(len(p)), None
            new = search(objective, point, p, self.first_step(fall, point, p))
            if new is not None:
                return new, (self.learn(memory, point, new), point.loss - new.loss)
        return None, None

    def first_step(self, fall: float | None, point: Point, p: np.ndarray) -> float:
        """Returns the step to try first: of a parabola that falls as the loss did in the last iteration (N & W, 3.60).

        At the start, where there is none: 1, or unless directions are steps, one of length 1 at most.
        """
        if fall is None:
            return 1.0 if self.unit else min(1.0, 1.0 / float(np.sum(np.abs(point.gradient))))
        return min(self.longest, float(-2.02 * fall / (p @ point.gradient)))


def count(owner: str, name: str, value: Any) -> int:
    """Returns a checked integer >= 1."""
    return int(Integer(1, required=True).parse(f"{owner}: {name}", value))
