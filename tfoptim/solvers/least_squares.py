"""Nonlinear least squares: Gauss-Newton, Levenberg-Marquardt, and the function that runs them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.declaration.domains import Choice, Interval
from tfoptim.solvers.line_search import Wolfe
from tfoptim.solvers.method import Method, Product
from tfoptim.solvers.minimize import Iteration, Result, run
from tfoptim.solvers.point import Flat, Point, check_function, returned
from tfoptim.stopping.condition import Condition

LARGEST = 50_000_000
"""Numbers of a Jacobian that is kept."""


@dataclass(frozen=True)
class Fit(Point):
    """Point of a fit: loss is half the sum of squares, gradient J'r."""

    residuals: np.ndarray  # (k,)
    jacobian: np.ndarray  # (k, n)


class Residuals:
    """Residuals of variables, compiled once; counts evaluations, and columns of Jacobians as products."""

    def __init__(self, what: str, residuals: Callable[[], Any], flat: Flat) -> None:
        check_function(what, "residuals", residuals)
        self.what, self.function, self.flat = what, residuals, flat
        self.evaluations = self.products = 0
        self._last = np.empty(0)
        self._values = tf.function(self._at, autograph=False)
        self._jacobian = tf.function(self._graph, autograph=False)

    @property
    def gradients(self) -> int:
        """Gradients so far; a Jacobian counts as one a column."""
        return self.evaluations + self.products

    def __call__(self, x: np.ndarray) -> Fit:
        """Returns residuals and Jacobian at weights, which are rounded to what the variables hold."""
        self.evaluations += not np.array_equal(x, self._last)  # else these residuals were counted before
        self.products += self.flat.n
        x = self.flat.rounded(x)
        r, j = (part.numpy() for part in self._jacobian(tf.constant(x)))
        return Fit(x, float(r @ r / 2), j.T @ r, r, j)

    def loss(self, x: np.ndarray) -> float:
        """Returns half the sum of squares at weights."""
        self.evaluations += 1
        self._last = x
        r = self._values(tf.constant(self.flat.rounded(x))).numpy()
        return float(r @ r / 2)

    def _at(self, x: tf.Tensor) -> tf.Tensor:
        self.flat.write(x)
        r = returned(f"{self.what}: residuals must return a float tensor", self.function())
        return tf.cast(tf.reshape(r, [-1]), tf.float64)

    def _graph(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            r = self._at(x)
        k = r.shape[0]
        if k is not None and k * self.flat.n > LARGEST:
            raise ValueError(
                f"{self.what}: the Jacobian of {k:,} residuals by {self.flat.n:,} weights is too large to keep "
                f"({LARGEST:,} numbers at most); minimize the sum of squares by tfoptim.minimize."
            )
        parts = tape.jacobian(r, self.flat.tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        rows = [
            tf.reshape(tf.cast(part, tf.float64), [-1, size]) for part, size in zip(parts, self.flat.sizes, strict=True)
        ]
        return r, tf.concat(rows, 1)


@dataclass(frozen=True)
class ResidualMethod(Method):
    """A method that needs residuals, not only their sum of squares."""

    needs_residuals = True
    unit = True

    def _lines(self) -> tuple[str, str]:
        what = f"{type(self).__name__} needs residuals, not only their loss; write these two lines:"
        return f"{what}\n    residuals = lambda: model(x) - y", "tfoptim.least_squares(residuals"


@dataclass(frozen=True)
class GaussNewton(ResidualMethod):
    """Gauss-Newton with a line search (Nocedal & Wright, 2006: Numerical optimization, 10.3).

    ```
    p = the shortest solution of min |J p + r|;   w <- w + step * p           strong Wolfe
    ```

    For residuals that are small or nearly linear at the solution; one step solves a linear problem.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: keras.ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
    >>> result = tfoptim.least_squares(rosenbrock, [x], tfoptim.solvers.GaussNewton())
    >>> x.numpy().round(6)
    array([1., 1.])
    """

    def direction(self, memory: Any, point: Any, product: Product) -> np.ndarray:
        p: np.ndarray = np.linalg.lstsq(point.jacobian, -point.residuals, rcond=None)[0]
        return p


@dataclass(frozen=True)
class LevenbergMarquardt(ResidualMethod):
    """Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963), damping by Nielsen (1999).

    ```
    p = min |J p + r|^2 + d * p' D p,           D = I (Levenberg), or the diagonal of J'J (Marquardt),
                                                each element the largest so far (Moré, 1978)
    gain = decrease of |r|^2 / the decrease that the linear model promises
    gain > 0:   w <- w + p;   d <- d * max(1/3, 1 - (2 gain - 1)^3);   e <- 2
    otherwise   d <- d * e;   e <- 2 e
    ```

    The first choice for curve fitting. Solved by the QR decomposition of the stacked matrix, not by J'J, whose
    condition is the square.

    Args:
        damping: "marquardt" (does not depend on the scale of the weights) or "levenberg".
        start: first d, > 0; with "levenberg" a share of the largest element of the diagonal of J'J.

    >>> import keras, tfoptim
    >>> x = keras.Variable([-1.2, 1.0], dtype="float64")
    >>> rosenbrock = lambda: keras.ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
    >>> result = tfoptim.least_squares(rosenbrock, [x])
    >>> x.numpy().round(4), result.iterations < 25
    (array([1., 1.]), True)
    """

    damping: str = "marquardt"
    start: float = 1e-3

    def __post_init__(self) -> None:
        Choice(("marquardt", "levenberg")).parse("LevenbergMarquardt: damping", self.damping)
        Interval(0.0, closed_low=False, schedulable=False).parse("LevenbergMarquardt: start", self.start)

    def advance(self, objective: Any, point: Any, memory: Any, search: Wolfe) -> tuple[Any, Any]:
        """Returns the next point, None if no damping decreases the loss, and damping d with its factor e."""
        j, r, squares = point.jacobian, point.residuals, np.sum(point.jacobian**2, 0)
        d, e, largest = memory or (self.start * (squares.max() if self.damping == "levenberg" else 1.0), 2.0, 0.0)
        largest = np.maximum(squares, largest)
        scale = np.ones_like(squares) if self.damping == "levenberg" else np.maximum(largest, 1e-12 * largest.max())
        while d * scale.max() < 1e20 * max(squares.max(), 1.0):
            p = np.linalg.lstsq(np.vstack([j, np.diag(np.sqrt(d * scale))]), np.append(-r, 0 * scale), rcond=None)[0]
            promised = p @ (d * scale * p - point.gradient) / 2
            loss = objective.loss(point.x + p)
            gain = (point.loss - loss) / promised if math.isfinite(loss) and promised > 0 else -1.0
            if gain > 0:
                return objective(point.x + p), (d * max(1 / 3, 1 - (2 * gain - 1) ** 3), 2.0, largest)
            d, e = d * e, 2 * e
        return None, memory


def least_squares(
    residuals: Callable[[], Any],
    variables: Sequence[Any],
    method: Method | None = None,
    stop: Condition | None = None,
    callbacks: Iterable[Callable[[Iteration], Any]] = (),
    verbose: bool = False,
) -> Result:
    """Minimizes half the sum of squares of residuals over their variables.

    Args:
        residuals: function without arguments that reads the variables and returns a float tensor of any shape; always
            the same for the same weights.
        variables: float32 or float64, without constraints.
        method: `LevenbergMarquardt()` unless given, or `GaussNewton()`.
        stop: as in `minimize`.
        callbacks: as in `minimize`.
        verbose: as in `minimize`.

    Returns:
        `Result`, as of `minimize`.

    Raises:
        TypeError, ValueError: an argument is not as above, the residuals are not finite at the start, or the Jacobian
            is too large to keep.
    """
    method = LevenbergMarquardt() if method is None else method
    if not isinstance(method, ResidualMethod):
        hint = " For others call tfoptim.minimize." if isinstance(method, Method) else ""
        raise TypeError(f"least_squares: method must be LevenbergMarquardt or GaussNewton, got {method!r}.{hint}")
    objective = Residuals("least_squares", residuals, Flat("least_squares", variables))

    search = Wolfe(curvature=method.curvature)

    def advance(point: Fit, memory: Any) -> tuple[Fit | None, Any]:
        found: tuple[Any, Any] = method.advance(objective, point, memory, search)
        return found

    return run(objective, advance, stop, callbacks, verbose)
