"""BFGS: the quasi-Newton method with a full matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfoptim.solvers.method import Method, Product
from tfoptim.solvers.point import Point


@dataclass(frozen=True)
class BFGS(Method):
    """BFGS (Broyden, Fletcher, Goldfarb & Shanno, 1970; Nocedal & Wright, 2006: Numerical optimization, algorithm 6.1).

    ```
    C = I / |g| at the start, or I unless scaled
    C <- (I - r * s y') C (I - r * y s') + r * s s',   r = 1 / y.s
    p = -C g;   w <- w + step * p                                 strong Wolfe
    ```

    For up to 5,000 weights: fewer iterations than `LBFGS`, n x n numbers. On a quadratic with an exact search the path
    is that of conjugate gradients, and C becomes the inverse of the Hessian.

    Args:
        scaled: start from a step of length 1, so that the path is the same for all multiples of a loss; else from the
            gradient, as the books do.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> result = tfoptim.minimize(rosenbrock, [x], tfoptim.solvers.BFGS())
    >>> x.numpy().round(4)
    array([1., 1.])
    """

    scaled: bool = True

    largest = 5_000

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        return -memory @ point.gradient if len(memory) else -point.gradient

    def first_step(self, fall: float | None, point: Point, p: np.ndarray) -> float:
        """Returns a step of length 1 at the start, if scaled."""
        return self._scale(point) if self.scaled and fall is None else super().first_step(fall, point, p)

    def _scale(self, point: Point) -> float:
        return 1 / float(np.linalg.norm(point.gradient)) if self.scaled else 1.0

    def learn(self, memory: Any, old: Point, new: Point) -> Any:
        s, y = new.x - old.x, new.gradient - old.gradient
        if s @ y <= 1e-10 * np.linalg.norm(s) * np.linalg.norm(y):
            return memory
        c = memory if len(memory) else np.eye(len(s)) * self._scale(old)
        left = np.eye(len(s)) - np.outer(s, y) / (y @ s)
        return left @ c @ left.T + np.outer(s, s) / (y @ s)
