"""Whitening by Kronecker factors: triangles that learn to make momentum as even as noise, without eigenvalues."""

from __future__ import annotations

import math
from typing import Any

from tfoptim.kronecker import Factors, solved, turned
from tfoptim.linalg import gram, largest, matmul, position_of_largest, reshape, rows_of, take, total, upper
from tfoptim.ops import absolute, mean, norm, ratio, square, where


def fitted(triangles: Factors, u: Any, v: Any, rate: Any) -> tuple[Any, ...]:
    """Returns u with a little of the noise, and triangles after a step towards `Q^T Q = E[u u^T]^(-1/2)`.

    The triangles have sizes of about 1 to each other, which changes no product of them.

    Args:
        triangles: Q of each axis, upper triangles or diagonals.
        u: momentum; if zero, the triangles stay, where they would grow without end.
        v: standard normal noise of the same shape.
        rate: relative size of the step.
    """
    size = mean(absolute(u))
    u = u + 2**-11.5 * size * v  # the root of float32's precision
    whitened, noise, rate = turned(u, triangles, back=True), solved(v, triangles), where(size > 0, rate, 0.0)
    new = [_towards(q, whitened, noise, axis, rate) for axis, q in enumerate(triangles)]
    sizes = [largest(absolute(q)) for q in new]
    middle = math.prod(size ** (1 / len(sizes)) for size in sizes)
    return u, *(q * (middle / size) for q, size in zip(new, sizes, strict=True))


def _towards(q: Any, whitened: Any, noise: Any, axis: int, rate: Any) -> Any:
    if len(q.shape) == 1:
        a, b = (total(square(rows_of(x, axis)), 1) for x in (whitened, noise))
        return q - rate * (a - b) / largest(a + b) * q
    a, b = gram(whitened, axis), gram(noise, axis)
    return q - rate * matmul(upper(a - b) / norm_at_least(a + b), q)


def norm_at_least(x: Any) -> Any:
    """Returns a lower bound of the largest singular value of a symmetric matrix: by one step of the power method.

    >>> import numpy as np
    >>> float(norm_at_least(np.diag([3.0, 1.0])))
    3.0
    """
    size = largest(absolute(x))
    x = ratio(x, size)
    longest = take(x, reshape(position_of_largest(total(square(x), axis=0)), (1,)), axis=1)
    ahead = matmul(x, longest)
    return size * norm(matmul(x, ratio(ahead, norm(ahead))))
