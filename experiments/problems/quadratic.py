"""`quadratic_deep`: a random quadratic bowl of 100 dimensions whose curvatures look like a deep network's.

    loss(θ) = mean over rows x of ½ (θ - x)ᵀ Q (θ - x),   x ~ N(0, 0.6²),   Q = Rᵀ diag(eigenvalues) R

90 eigenvalues are small (0 to 1), 10 are large (30 to 60); the rotation R is uniform (Haar). It is DeepOBS's problem
(Schneider, Balles and Hennig, 2019). The original draws from a generator of its module, so that a second construction
gives another problem; this one draws from a fresh generator each time.

All draws come from NumPy's `RandomState`, whose streams are frozen. What is left to differ between machines is the last
bit of a logarithm, a cosine or a matrix product; the float32 arrays that are trained on do not show it.
"""

import functools
import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from experiments.errors import unknown
from experiments.problems.functions import coordinates, is_tensor

Array = npt.NDArray[np.float64]

DIMENSIONS = 100
ROWS = 1_000
SPREAD = 0.6
# DeepOBS has the first and the last. Choosing by test rows is excluded here, so that validation has rows of its own.
ROW_SEEDS = {"train": 42, "validation": 44, "test": 43}
MATRIX_SEED = 42


class Quadratic:
    """The problem; every method is a pure function of its arguments, and arrays returned are read-only."""

    name: ClassVar[str] = "quadratic_deep"  # its name in studies
    title: ClassVar[str] = "noisy quadratic of 100 dimensions, condition 9,621"  # what it is, in words
    parameters: ClassVar[int] = DIMENSIONS  # number of coordinates

    @property
    def start(self) -> Array:
        """Where runs begin: 1 everywhere, [100]."""
        return np.ones(DIMENSIONS)

    @property
    def matrix(self) -> Array:
        """Q, symmetric, [100, 100] in float64."""
        return curvature()[1]

    def rows(self, split: str) -> Array:
        """Returns the rows x of `train`, `validation` or `test`, [1,000, 100]."""
        if split not in ROW_SEEDS:
            raise unknown("split of quadratic_deep", split, ROW_SEEDS)
        return _rows(ROW_SEEDS[split])

    def loss(self, theta: Any, rows: Any) -> Any:
        """Returns the loss of each row, [n], from theta [100] and rows [n, 100], in theta's kind and precision."""
        theta = coordinates(self.name, "theta", theta, DIMENSIONS)
        offset = theta - coordinates(self.name, "a row", rows, DIMENSIONS, like=theta)
        if not is_tensor(offset):
            return 0.5 * np.sum((offset @ self.matrix.astype(offset.dtype)) * offset, axis=-1)
        import tensorflow as tf

        return 0.5 * tf.reduce_sum((offset @ tf.constant(self.matrix, offset.dtype)) * offset, axis=-1)


@functools.cache
def curvature() -> tuple[Array, Array]:
    """Returns the eigenvalues as drawn, 90 small ones, then 10 large ones, [100], and Q."""
    generator = np.random.RandomState(MATRIX_SEED)
    small = generator.uniform(0.0, 1.0, 90)
    large = generator.uniform(30.0, 60.0, 10)
    eigenvalues = np.concatenate([small, large])
    rotation = _haar(generator, DIMENSIONS)
    product = rotation.T @ (eigenvalues[:, None] * rotation)
    return _frozen(eigenvalues), _frozen((product + product.T) / 2)


def _haar(generator: np.random.RandomState, dimensions: int) -> Array:
    """Returns a random rotation, grown from the plane by one reflection a dimension (Stewart, 1980)."""
    angle = 2 * math.pi * generator.uniform()
    c, s = math.cos(angle), math.sin(angle)
    rotation = np.array([[c, s], [-s, c]])
    for size in range(2, dimensions):
        v = generator.normal(size=size + 1)
        axis = -v / np.linalg.norm(v)
        axis[0] += 1
        axis /= np.linalg.norm(axis)
        grown = np.eye(size + 1)
        grown[1:, 1:] = rotation
        rotation = grown - 2 * np.outer(axis, axis @ grown)
    return -rotation  # so that the determinant is 1 in odd dimensions too


@functools.cache
def _rows(seed: int) -> Array:
    return _frozen(np.random.RandomState(seed).normal(0.0, SPREAD, (ROWS, DIMENSIONS)))


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


QUADRATIC_DEEP = Quadratic()
