"""L-BFGS: the quasi-Newton method for many weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfoptim.solvers.method import Method, Product, count
from tfoptim.solvers.point import Point


@dataclass(frozen=True)
class LBFGS(Method):
    """Limited-memory BFGS (Liu & Nocedal, 1989; Nocedal & Wright, 2006: Numerical optimization, algorithm 7.4).

    ```
    q <- -g
    newest to oldest pair:   a_i = s_i.q / (y_i.s_i);   q <- q - a_i * y_i
    q <- q * s.y / y.y                                                         of the newest pair
    oldest to newest pair:   q <- q + s_i * (a_i - y_i.q / (y_i.s_i))
    w <- w + step * q                                                          strong Wolfe
    keep s = change of w, y = change of g,  if s.y > 1e-10 * |s| * |y|
    ```

    The first choice for smooth losses over all data, such as physics-informed networks; for mini-batches take a rule
    such as `Adam`. Memory: (2 * history + 4) * n numbers. In float32 it ends where the loss has no more digits; use
    float64 where the last digits count.

    Args:
        history: number of pairs that are kept, >= 1.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> result = tfoptim.minimize(rosenbrock, [x], tfoptim.LBFGS())
    >>> x.numpy().round(6), result.iterations
    (array([1., 1.]), 35)
    """

    history: int = 10

    def __post_init__(self) -> None:
        count("LBFGS", "history", self.history)

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        q, shares = -point.gradient, []
        for s, y in reversed(memory):
            shares.append(s @ q / (y @ s))
            q = q - shares[-1] * y
        if memory:
            s, y = memory[-1]
            q = q * (s @ y) / (y @ y)
        for (s, y), a in zip(memory, reversed(shares), strict=True):
            q = q + s * (a - y @ q / (y @ s))
        return q

    def first_step(self, fall: float | None, point: Point, p: np.ndarray) -> float:
        """Returns 1 as soon as there are pairs: they give the scale."""
        return super().first_step(fall, point, p) if fall is None else 1.0

    def learn(self, memory: Any, old: Point, new: Point) -> Any:
        s, y = new.x - old.x, new.gradient - old.gradient
        curved = s @ y > 1e-10 * np.linalg.norm(s) * np.linalg.norm(y)
        return [*memory, (s, y)][-self.history :] if curved else memory
