"""Matrix arithmetic for rules, on TensorFlow tensors and NumPy arrays, as `tfoptim.ops` has it for elements.

Kernels that some devices lack (`eigh`, `qr`, `triangular_solve`) run on the CPU there, in float32 at least. A rule that
calls `eigh` or `qr` declares `compiles = False`: XLA takes much longer for them on a CPU than TensorFlow's kernels do.
Where a user compiles the whole step (`compile(jit_compile=True)`; Keras's "auto" does not on a CPU), the results are
the same, and `eigh` takes 4 times as long for 128 rows, 80 times for 512.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfoptim.scalar import host
from tfoptim.variables import compute_dtype

Axes = int | Sequence[int] | None


def matmul(x: Any, y: Any, *, flip_x: bool = False, flip_y: bool = False) -> Any:
    """Product of two matrices, each transposed before if asked."""
    if tf.is_tensor(x):
        return tf.matmul(x, y, transpose_a=flip_x, transpose_b=flip_y)
    return np.matmul(x.T if flip_x else x, y.T if flip_y else y)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """`x` with its axes in reverse order, or in the order given."""
    return tf.transpose(x, axes) if tf.is_tensor(x) else np.transpose(x, axes)


def reshape(x: Any, shape: Sequence[int]) -> Any:
    """The elements of `x`, row by row, in another shape."""
    return tf.reshape(x, shape) if tf.is_tensor(x) else np.reshape(x, shape)


def total(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Sum of all elements, or along some axes, which are kept with length 1 if asked."""
    return tf.reduce_sum(x, axis, keepdims) if tf.is_tensor(x) else np.sum(x, _tuple(axis), keepdims=keepdims)


def largest(x: Any, axis: Axes = None, keepdims: bool = False) -> Any:
    """Largest of all elements, or along some axes, which are kept with length 1 if asked."""
    return tf.reduce_max(x, axis, keepdims) if tf.is_tensor(x) else np.max(x, _tuple(axis), keepdims=keepdims)


def _tuple(axis: Axes) -> Any:
    return tuple(axis) if isinstance(axis, Sequence) else axis


def trace(x: Any) -> Any:
    """Sum of the diagonal of a matrix."""
    return total(diagonal(x))


def diagonal(x: Any) -> Any:
    """Diagonal of a square matrix, a vector."""
    return tf.linalg.diag_part(x) if tf.is_tensor(x) else np.diagonal(x)


def take(x: Any, index: Any, axis: int = 0) -> Any:
    """Rows of `x`, or slices along another axis, in the order of `index`."""
    return tf.gather(x, index, axis=axis) if tf.is_tensor(x) else np.take(x, index, axis)


def descending(x: Any) -> Any:
    """Positions of the elements of a vector, the largest first; equal ones stay in order."""
    if tf.is_tensor(x):
        return tf.math.top_k(x, x.shape[0]).indices
    return np.argsort(-x, kind="stable")


def position_of_largest(x: Any) -> Any:
    """Position of the largest element of a vector, the first of equal ones."""
    return tf.argmax(x, output_type=tf.int32) if tf.is_tensor(x) else np.argmax(x)


def upper(x: Any) -> Any:
    """A square matrix with zeros below its diagonal."""
    if not tf.is_tensor(x):
        return np.triu(x)
    index = np.arange(x.shape[0], dtype=np.float32)  # Metal compares floats alone, and has no kernel for triangles
    return tf.where(tf.less_equal(index[:, None], index), x, tf.zeros([], x.dtype))


def rows_of(x: Any, axis: int) -> Any:
    """The slices of `x` along an axis as the rows of a matrix."""
    order = [axis, *(other for other in range(len(x.shape)) if other != axis)]
    first = x if axis == 0 else transpose(x, order)
    return reshape(first, (x.shape[axis], math.prod(n for i, n in enumerate(x.shape) if i != axis)))


def gram(x: Any, axis: int) -> Any:
    """Products of the slices of `x` along an axis: `x @ x^T` for a matrix and axis 0, `x^T @ x` for axis 1."""
    rows = rows_of(x, axis)
    return matmul(rows, rows, flip_y=True)


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues of a symmetric matrix, the smallest first, and its eigenvectors in columns.

    The two halves are averaged before, as rounding makes them differ. The signs of the eigenvectors are not defined.
    """
    if not tf.is_tensor(x):
        values, vectors = np.linalg.eigh((x + x.T) / 2)
    else:
        values, vectors = _on_host(lambda m: tf.linalg.eigh((m + tf.transpose(m)) / 2), x)
    return values, vectors


def qr(x: Any) -> tuple[Any, Any]:
    """Orthogonal Q and upper triangular R with `x = Q @ R`."""
    q, r = _on_host(tf.linalg.qr, x) if tf.is_tensor(x) else np.linalg.qr(x)
    return q, r


def triangular_solve(matrix: Any, x: Any, lower: bool = True, flip: bool = False) -> Any:
    """`y` with `matrix @ y = x`, for a triangular matrix of which only one half is read; it is transposed if asked."""
    if not tf.is_tensor(matrix):
        half = np.tril(matrix) if lower else np.triu(matrix)
        return np.linalg.solve(half.T if flip else half, x)
    (y,) = _on_host(lambda m, r: (tf.linalg.triangular_solve(m, r, lower=lower, adjoint=flip),), matrix, x)
    return y


def _on_host(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
    """Applies a function of tensors that returns several, in float32 at least; the results are of the first's dtype."""
    dtype = arrays[0].dtype
    with host():
        results = function(*(tf.cast(x, compute_dtype(dtype)) for x in arrays))
    return tuple(tf.cast(y, dtype) for y in results)
