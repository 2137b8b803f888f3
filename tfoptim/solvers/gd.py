"""Gradient descent with a line search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfoptim.solvers.method import Method, Product
from tfoptim.solvers.point import Point


@dataclass(frozen=True)
class GD(Method):
    """Steepest descent (Cauchy, 1847) with a line search (Nocedal & Wright, 2006: Numerical optimization, 3.3).

    ```
    w <- w - step * g,                    strong Wolfe
    ```

    For comparisons: on a quadratic of condition number k, the loss falls by about ((k - 1) / (k + 1))^2 a step. The
    rule `tfoptim.GD` is the same with a fixed step.

    >>> import keras, tfoptim
    >>> x = keras.Variable([3.0, 1.0], dtype="float64")
    >>> result = tfoptim.minimize(lambda: x[0] ** 2 + 2 * x[1] ** 2, [x], tfoptim.solvers.GD())
    >>> bool(abs(x.numpy()).max() < 1e-5)
    True
    """

    unit = False

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        return -point.gradient

    def learn(self, memory: Any, old: Point, new: Point) -> Any:
        return [np.linalg.norm(new.x - old.x) / np.linalg.norm(old.gradient), old.gradient @ old.gradient]

    def first_step(self, memory: Any, point: Point, p: np.ndarray) -> float:
        """Returns the step that changes the loss to first order as much as the last one did."""
        if not memory:
            return super().first_step(memory, point, p)
        step, squares = memory
        return float(step * squares / (p @ p))
