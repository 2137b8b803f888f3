"""Nonlinear conjugate gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfoptim.declaration.domains import Choice
from tfoptim.solvers.method import Method, Product
from tfoptim.solvers.point import Point


def _polak_ribiere(g: np.ndarray, new: np.ndarray, p: np.ndarray) -> float:
    return max(0.0, float(new @ (new - g) / (g @ g)))


def _fletcher_reeves(g: np.ndarray, new: np.ndarray, p: np.ndarray) -> float:
    return float(new @ new / (g @ g))


def _hestenes_stiefel(g: np.ndarray, new: np.ndarray, p: np.ndarray) -> float:
    return float(new @ (new - g) / (p @ (new - g)))


def _dai_yuan(g: np.ndarray, new: np.ndarray, p: np.ndarray) -> float:
    return float(new @ new / (p @ (new - g)))


FORMULAS = {
    "polak-ribiere+": _polak_ribiere,
    "fletcher-reeves": _fletcher_reeves,
    "hestenes-stiefel": _hestenes_stiefel,
    "dai-yuan": _dai_yuan,
}


@dataclass(frozen=True)
class NonlinearCG(Method):
    """Nonlinear conjugate gradients (Fletcher & Reeves, 1964; Nocedal & Wright, 2006: Numerical optimization, 5.2).

    ```
    p <- -g' + b * p,                     b by the formula, from the gradients g before and g' after the step
    p <- -g'                              every n steps, and where |g'.g| > 0.1 * g'.g'
    w <- w + step * p                     strong Wolfe, curvature 0.2
    ```

    The least memory of all methods with second-order speed: 3 n numbers. Usually slower than `LBFGS`. On a quadratic
    with exact steps all formulas give the same path, which ends after n steps.

    Args:
        formula: "polak-ribiere+" (max(0, g'.(g' - g) / g.g)), "fletcher-reeves" (g'.g' / g.g), "hestenes-stiefel"
            (g'.(g' - g) / p.(g' - g)) or "dai-yuan" (g'.g' / p.(g' - g)).

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> result = tfoptim.minimize(rosenbrock, [x], tfoptim.solvers.NonlinearCG())
    >>> x.numpy().round(4)
    array([1., 1.])
    """

    formula: str = "polak-ribiere+"

    curvature = 0.2
    longest = math.inf

    def __post_init__(self) -> None:
        Choice(tuple(FORMULAS)).parse("NonlinearCG: formula", self.formula)

    def begin(self, n: int) -> Any:
        return {}

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        return memory.get("p", -point.gradient)  # type: ignore[no-any-return]

    def learn(self, memory: Any, old: Point, new: Point) -> Any:
        g, after, steps = old.gradient, new.gradient, memory.get("steps", 0) + 1
        if steps >= len(g) or abs(after @ g) > 0.1 * (after @ after):
            return {"p": -after, "steps": 0}
        p = memory.get("p", -g)
        return {"p": -after + FORMULAS[self.formula](g, after, p) * p, "steps": steps}
