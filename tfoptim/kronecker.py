"""Kronecker factors: a matrix for each axis of a variable, which together act on it as one large matrix would.

A variable of shape (r, c) has factors L of r x r and R of c x c; convolutions have one for each of their four axes. A
factor of an axis may be missing, for an identity, or be a vector, for a diagonal.

>>> import numpy as np
>>> x, left = np.arange(6.0).reshape(2, 3), np.array([[1.0, 2.0], [3.0, 4.0]])
>>> np.array_equal(turned(x, [left, None]), left.T @ x)
True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfoptim.declaration.slots import Shape, Slot
from tfoptim.linalg import (
    descending,
    eigh,
    gram,
    largest,
    matmul,
    qr,
    reshape,
    take,
    total,
    transpose,
    triangular_solve,
)
from tfoptim.ops import equal, maximum, ratio, when, where
from tfoptim.optimizer import Optimizer

AXES = 8
"""Axes that can have a factor: TensorFlow's operations take no more."""

Factors = Sequence[Any]
"""Of each axis a matrix, a vector for a diagonal matrix, or None for an identity."""


class Kronecker(Optimizer):
    """Base of SOAP, Shampoo and Kron: their state."""

    family = "matrix"
    elementwise = False
    compiles = False
    traced_by_shape = True

    def view(self, shape: Shape) -> Shape:
        """Returns the shape that the rule sees in place of a variable's."""
        return shape

    def state(
        self, moments: str, zero: str, one: str, limit: int, fewest: int = 2, others: bool = False
    ) -> dict[str, Slot]:
        """Returns the slots m and v, and one for each axis with a factor and each letter, such as `L0` and `L1`.

        Args:
            moments: letters of slots of the shape of the view.
            zero: letters of factors that start at 0.
            one: letters of factors that start at the identity.
            limit: longest axis that has a matrix.
            fewest: axes of a variable whose axes have matrices.
            others: whether axes without a matrix have a vector.
        """

        def slot(axis: int, start: Any) -> Slot:
            def shape_of(shape: Shape, path: str) -> Shape | None:
                del path
                view = self.view(shape)
                if axis >= len(view):
                    return None
                square = view[axis] <= limit and len(shape) >= fewest
                return (view[axis],) * 2 if square else (view[axis],) if others else None

            return Slot(start and (lambda w: start(shape_of(tuple(w.shape), ""))), shape_of, by_shape=True)

        whole = Slot(0.0, lambda shape, path: self.view(shape))
        starts = dict.fromkeys(zero, 0.0) | dict.fromkeys(one, identity)
        of_axes = {f"{x}{i}": slot(i, start) for i in range(AXES) for x, start in starts.items()}
        return dict.fromkeys(moments, whole) | of_axes


def merged(shape: Shape, limit: int) -> Shape:
    """Returns a shape with neighbouring axes joined as long as they have no more than `limit` elements together.

    >>> merged((3, 3, 64, 128), 1000)
    (576, 128)
    """
    joined, size = list[int](), 1
    for n in shape:
        if size * n > limit and size > 1:
            joined.append(size)
            size = 1
        size *= n
    return (*joined, size) if size > 1 or (shape and not joined) else tuple(joined)


def identity(shape: Shape) -> Any:
    """Returns the identity matrix, or its diagonal if the shape is that of a vector."""
    return np.eye(shape[0]) if len(shape) == 2 else np.ones(shape)


def factors(s: Any, letters: str) -> list[list[Any]]:
    """Returns the factors of each letter in the slots `L0`, `L1`, ...; None for axes without one."""
    slots = vars(s)
    return [[slots.get(f"{letter}{axis}") for axis in range(len(s.m.shape))] for letter in letters]


def replace(s: Any, **new: Factors) -> None:
    """Replaces factors in the slots, by letter."""
    for name, of_axes in new.items():
        for axis, factor in enumerate(of_axes):
            if factor is not None:
                setattr(s, f"{name}{axis}", factor)


def each(function: Callable[..., Any], *lists: Factors) -> list[Any]:
    """Applies a function to the factors of each axis that has them."""
    return [None if of_axis[0] is None else function(*of_axis) for of_axis in zip(*lists, strict=True)]


# Products with all factors. Each works on the first axis and makes it the last, so that all have had their turn at the
# end: a product of matrices an axis, and no more.


def turned(x: Any, matrices: Factors, back: bool = False) -> Any:
    """Returns `x` with the transposed factor multiplied along each axis: `L^T @ x @ R` for a matrix.

    With `back`, the factors themselves: `L @ x @ R^T`.
    """

    def of_axis(rows: Any, matrix: Any) -> Any:
        if matrix is None:
            return transpose(rows)
        diagonal = len(matrix.shape) == 1
        return transpose(rows) * matrix if diagonal else matmul(rows, matrix, flip_x=True, flip_y=back)

    return x if all(matrix is None for matrix in matrices) else _along(x, matrices, of_axis)


def solved(x: Any, triangles: Factors) -> Any:
    """Returns the `y` of which `turned(y, triangles)` is `x`, for upper triangles and diagonals."""

    def of_axis(rows: Any, triangle: Any) -> Any:
        if len(triangle.shape) == 1:
            return transpose(rows) / triangle
        return transpose(triangular_solve(triangle, rows, lower=False, flip=True))

    return _along(x, triangles, of_axis)


def _along(x: Any, matrices: Factors, of_axis: Callable[[Any, Any], Any]) -> Any:
    """Applies a function to each axis, as rows of a matrix, and its factor; it returns the new rows as columns."""
    for matrix in matrices:
        rest = tuple(x.shape[1:])
        columns = of_axis(reshape(x, (x.shape[0], math.prod(rest))), matrix)
        x = reshape(columns, (*rest, columns.shape[1]))
    return x


# Statistics and their roots


def moved_on(statistics: Factors, g: Any, beta: Any, share: Any) -> list[Any]:
    """Returns `beta * statistics + share * products of the slices of g` for each axis that has them."""
    return [None if x is None else beta * x + share * gram(g, axis) for axis, x in enumerate(statistics)]


def bases_of(statistics: Factors, bases: Factors, v: Any, first: Any) -> tuple[Any, ...]:
    """Returns v and orthogonal bases that are nearer to the eigenvectors of the statistics, by one QR decomposition.

    The vectors are sorted by their eigenvalues, the largest first, and v with them.

    Args:
        statistics: symmetric matrices.
        bases: those of before, in columns.
        v: second moments along the bases.
        first: whether to take the eigenvectors themselves; then v stays as it is.
    """
    return when(first, lambda: (v, *each(_eigenvectors, statistics)), lambda: _rotated_on(statistics, bases, v))  # type: ignore[no-any-return]


def _eigenvectors(x: Any) -> Any:
    values, vectors = _eigh(x)
    return take(vectors, descending(values), axis=1)


def _rotated_on(statistics: Factors, bases: Factors, v: Any) -> tuple[Any, ...]:
    new: list[Any] = []
    for axis, (x, basis) in enumerate(zip(statistics, bases, strict=True)):
        if basis is None:
            new.append(None)
            continue
        ahead = matmul(x, basis)
        order = descending(total(basis * ahead, axis=0))
        v = take(v, order, axis)
        new.append(qr(take(ahead, order, axis=1))[0])
    return v, *new


def inverse_roots(
    statistics: Factors, weight: Any, power: Any, epsilon: Any, relative: bool, otherwise: Factors
) -> list[Any]:
    """Returns `(x / weight + epsilon I)^-power` of symmetric matrices, whose negative eigenvalues count as 0.

    Args:
        statistics: matrices; of one that is zero, the result is the identity.
        weight: > 0.
        power: > 0.
        epsilon: >= 0; if 0, directions in which a matrix is zero stay zero.
        relative: whether epsilon is a share of the largest eigenvalue.
        otherwise: the results where a matrix is not finite.
    """

    def inverse_root(x: Any, old: Any) -> Any:
        values, vectors = _eigh(x)
        values = maximum(values, 0.0) / weight
        values = values + epsilon * (largest(values) if relative else 1.0)
        roots = where(largest(values) > 0, ratio(1.0, values**power), values * 0.0 + 1.0)
        return where(_is_finite(x), matmul(vectors * roots, vectors, flip_y=True), old)

    return each(inverse_root, statistics, otherwise)


def _eigh(x: Any) -> tuple[Any, Any]:
    """Returns eigenvalues and eigenvectors, those of a zero matrix if x is not finite, on which kernels would raise."""
    return eigh(where(_is_finite(x), x, 0.0))


def _is_finite(x: Any) -> Any:
    return equal(total(x - x), 0.0)
