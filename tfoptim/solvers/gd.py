"""Gradient descent with a line search."""

from __future__ import annotations

import math
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

    longest = math.inf

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        return -point.gradient
