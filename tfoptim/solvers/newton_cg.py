"""Newton's method for many weights, by conjugate gradients, and for few, by the matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfoptim.solvers.method import Method, Product, count
from tfoptim.solvers.point import Point


@dataclass(frozen=True)
class NewtonCG(Method):
    """Newton-CG, "Hessian-free" (Nocedal & Wright, 2006: Numerical optimization, algorithm 7.1; Martens, 2010).

    ```
    solve H p = -g by conjugate gradients, H v exactly, until
        |H p + g| <= min(0.5, sqrt(|g|)) * |g|,  or v.H v <= 0: then the p so far, or -g * g.g / |g.H g|
    w <- w + step * p                                          strong Wolfe
    ```

    Few iterations, each of several products H v, of about two gradients each. For squared errors take `least_squares`;
    natural gradient, for losses that are negative log-likelihoods, is Gauss-Newton.

    Args:
        products: largest number of products for one direction, >= 1; at most n are used.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> result = tfoptim.minimize(rosenbrock, [x], tfoptim.solvers.NewtonCG())
    >>> x.numpy().round(6)
    array([1., 1.])
    """

    products: int = 200

    def __post_init__(self) -> None:
        count("NewtonCG", "products", self.products)

    unit = True

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        g = point.gradient
        size = float(np.linalg.norm(g))
        tolerance = min(0.5, np.sqrt(size)) * size
        p, residual = np.zeros_like(g), g.copy()
        d = -residual
        for k in range(min(self.products, len(g))):
            if np.linalg.norm(residual) <= tolerance:
                break
            hd = product(d)
            bend = d @ hd
            if not bend > 1e-12 * (d @ d):
                p = p if k else d * (d @ d) / max(-bend, d @ d * 1e-3)
                break
            a = residual @ residual / bend
            p = p + a * d
            after = residual + a * hd
            d = -after + after @ after / (residual @ residual) * d
            residual = after
        return p


@dataclass(frozen=True)
class Newton(Method):
    """Newton's method, saddle-free (Dauphin et al., 2014: Identifying and attacking the saddle point problem).

    ```
    H = sum of e_i * u_i u_i';   p = -sum of u_i u_i'.g / max(|e_i|, 1e-8 * max |e|)
    w <- w + step * p                                          strong Wolfe
    ```

    For up to 1,000 weights: n products and an eigenvalue decomposition of n x n numbers an iteration. Where H is
    positive definite it is Newton's step; elsewhere the absolute eigenvalues lead away from saddle points.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> tfoptim.minimize(rosenbrock, [x], tfoptim.solvers.Newton()).iterations
    21
    """

    largest = 1_000
    unit = True

    def direction(self, memory: Any, point: Point, product: Product) -> np.ndarray:
        h = np.stack([product(e) for e in np.eye(len(point.gradient))])
        e, u = np.linalg.eigh((h + h.T) / 2)
        size = np.maximum(np.abs(e), 1e-8 * np.max(np.abs(e)))
        p: np.ndarray = -u @ (u.T @ point.gradient / np.maximum(size, np.finfo(float).tiny))
        return p
