"""Sums of squares of 2 to 20 numbers, most by Moré, Garbow & Hillstrom (1981), with their starts and minima.

    >>> [len(FUNCTIONS["rosenbrock"].start), FUNCTIONS["rosenbrock"].least]
    [2, 0.0]

Each is written as residuals, so that methods for least squares take it too; the loss is half the sum of squares.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Function:
    """One test function."""

    residuals: Callable[[Any, Any], Any]  # of TensorFlow or NumPy, and x (n,); returns (k,)
    start: Sequence[float]
    least: float = 0.0  # lowest half sum of squares

    def loss(self, x: Any) -> Any:
        """Returns half the sum of squares of a TensorFlow tensor (n,)."""
        import tensorflow as tf

        return tf.reduce_sum(self.residuals(tf, x) ** 2) / 2


def _rosenbrock(m: Any, x: Any) -> Any:
    return m.concat([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]], 0)


def _rosenbrock_pairs(m: Any, x: Any) -> Any:
    return m.concat([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]], 0)


def _beale(m: Any, x: Any) -> Any:
    return m.stack([y - x[0] * (1 - x[1] ** k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))])


def _powell_badly_scaled(m: Any, x: Any) -> Any:
    return m.stack([1e4 * x[0] * x[1] - 1, m.exp(-x[0]) + m.exp(-x[1]) - 1.0001])


def _helix(m: Any, x: Any) -> Any:
    turn = m.atan2(x[1], x[0]) / (2 * math.pi)
    return m.stack([10 * (x[2] - 10 * turn), 10 * (m.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def _box(m: Any, x: Any) -> Any:
    t = np.arange(1, 11) / 10
    return m.exp(-t * x[0]) - m.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def _powell_singular(m: Any, x: Any) -> Any:
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    return m.concat([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2], 0)


def _wood(m: Any, x: Any) -> Any:
    a, b, c, d = x[0], x[1], x[2], x[3]
    bends = [10 * (b - a**2), 1 - a, 90**0.5 * (d - c**2), 1 - c]
    return m.stack([*bends, 10**0.5 * (b + d - 2), 10**-0.5 * (b - d)])


def _biggs(m: Any, x: Any) -> Any:
    t = np.arange(1, 14) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * m.exp(-t * x[0]) - x[3] * m.exp(-t * x[1]) + x[5] * m.exp(-t * x[4]) - y


def _variably_dimensioned(m: Any, x: Any) -> Any:
    total = m.reduce_sum(np.arange(1.0, 11.0) * (x - 1))
    return m.concat([x - 1, m.stack([total, total**2])], 0)


def _penalty(m: Any, x: Any) -> Any:
    return m.concat([1e-5**0.5 * (x - 1), m.reshape(m.reduce_sum(x**2) - 0.25, [1])], 0)


def _broyden(m: Any, x: Any) -> Any:
    zero = m.zeros_like(x[:1])
    return (3 - 2 * x) * x - m.concat([zero, x[:-1]], 0) - 2 * m.concat([x[1:], zero], 0) + 1


def _boundary(m: Any, x: Any) -> Any:
    zero, t = m.zeros_like(x[:1]), np.arange(1, 11) / 11
    return 2 * x - m.concat([zero, x[:-1]], 0) - m.concat([x[1:], zero], 0) + (x + t + 1) ** 3 / 242


def _quadratic(m: Any, x: Any) -> Any:
    generator = np.random.default_rng(0)
    q, _ = np.linalg.qr(generator.normal(size=(20, 20)))
    return m.reshape(m.matmul(np.logspace(0, 2, 20)[:, None] * q, m.reshape(x - 1, [-1, 1])), [-1])


_T = np.arange(1, 11) / 11
FUNCTIONS = {
    "rosenbrock": Function(_rosenbrock, (-1.2, 1.0)),
    "beale": Function(_beale, (1.0, 1.0)),
    "powell badly scaled": Function(_powell_badly_scaled, (0.0, 1.0)),
    "helical valley": Function(_helix, (-1.0, 0.0, 0.0)),
    "box": Function(_box, (0.0, 10.0, 20.0)),
    "powell singular 4": Function(_powell_singular, (3.0, -1.0, 0.0, 1.0)),
    "wood": Function(_wood, (-3.0, -1.0, -3.0, -1.0)),
    "biggs": Function(_biggs, (1.0, 2.0, 1.0, 1.0, 1.0, 1.0)),
    "variably dimensioned 10": Function(_variably_dimensioned, tuple(1 - np.arange(1, 11) / 10)),
    "penalty 10": Function(_penalty, tuple(np.arange(1.0, 11.0)), least=7.08765e-5 / 2),
    "broyden tridiagonal 10": Function(_broyden, (-1.0,) * 10),
    "discrete boundary 10": Function(_boundary, tuple(_T * (_T - 1))),
    "rosenbrock 10": Function(_rosenbrock, (-1.2, 1.0) * 5),
    "rosenbrock pairs 20": Function(_rosenbrock_pairs, (-1.2, 1.0) * 10),
    "powell singular 20": Function(_powell_singular, (3.0, -1.0, 0.0, 1.0) * 5),
    "quadratic 20": Function(_quadratic, (0.0,) * 20),
}
