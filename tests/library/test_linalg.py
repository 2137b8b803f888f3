"""Matrix arithmetic is the same on NumPy arrays and on tensors, and is what its name says."""

import numpy as np
import pytest
import tensorflow as tf

from tfoptim import linalg, ops
from tfoptim.scalar import Scalar

GENERATOR = np.random.default_rng(0)
X, Y, CUBE = GENERATOR.normal(size=(4, 3)), GENERATOR.normal(size=(3, 5)), GENERATOR.normal(size=(2, 3, 4))
SQUARE = GENERATOR.normal(size=(3, 3))
SYMMETRIC = SQUARE @ SQUARE.T
ROUNDING = 1e-12

EXPECTED = {
    "matmul": ((X, Y), {}, np.einsum("ij,jk->ik", X, Y)),
    "transpose": ((CUBE,), {}, np.einsum("ijk->kji", CUBE)),
    "transpose in an order": ((CUBE, (1, 0, 2)), {}, np.einsum("ijk->jik", CUBE)),
    "reshape": ((X, (2, 6)), {}, X.ravel().reshape(2, 6)),
    "total": ((X,), {}, np.einsum("ij->", X)),
    "total over axes": ((CUBE, (0, 2)), {"keepdims": True}, np.einsum("ijk->j", CUBE)[None, :, None]),
    "largest": ((X,), {}, max(X.ravel())),
    "largest along an axis": ((X, 1), {}, np.array([max(row) for row in X])),
    "trace": ((SQUARE,), {}, SQUARE[0, 0] + SQUARE[1, 1] + SQUARE[2, 2]),
    "diagonal": ((SQUARE,), {}, np.array([SQUARE[i, i] for i in range(3)])),
    "take": ((X, [2, 0]), {}, X[[2, 0]]),
    "take along an axis": ((X, [2, 0]), {"axis": 1}, X[:, [2, 0]]),
    "descending": ((np.array([1.0, 3.0, 2.0, 3.0]),), {}, np.array([1, 3, 2, 0])),
    "matmul of transposes": ((Y, X), {"flip_x": True, "flip_y": True}, np.einsum("jk,ij->ki", Y, X)),
    "position_of_largest": ((np.array([1.0, 3.0, 2.0, 3.0]),), {}, np.array(1)),
    "upper": ((SQUARE,), {}, np.array([[SQUARE[i, j] if i <= j else 0.0 for j in range(3)] for i in range(3)])),
    "rows_of": ((CUBE, 1), {}, np.array([CUBE[:, i].ravel() for i in range(3)])),
    "gram of rows": ((X, 0), {}, X @ X.T),
    "gram of columns": ((X, 1), {}, X.T @ X),
    "gram in the middle": ((CUBE, 1), {}, np.einsum("iak,ibk->ab", CUBE, CUBE)),
    "triangular_solve": ((np.tril(SQUARE), SQUARE @ Y), {}, np.linalg.inv(np.tril(SQUARE)) @ SQUARE @ Y),
    "triangular_solve transposed": ((SQUARE, Y), {"flip": True}, np.linalg.inv(np.tril(SQUARE)).T @ Y),
    "triangular_solve with the upper half": ((SQUARE, Y), {"lower": False}, np.linalg.inv(np.triu(SQUARE)) @ Y),
}


def as_tensors(arguments):
    """Arrays of floats as tensors."""
    return [tf.constant(x) if isinstance(x, np.ndarray) else x for x in arguments]


@pytest.mark.parametrize("name", EXPECTED)
def test_arrays_and_tensors_give_what_the_name_says(name):
    """In float64."""
    arguments, options, expected = EXPECTED[name]
    function = getattr(linalg, name.partition(" ")[0])
    for given in (arguments, as_tensors(arguments)):
        np.testing.assert_allclose(np.asarray(function(*given, **options)), expected, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(None, 1e-12), ("float64", 1e-12), ("float32", 1e-5), ("bfloat16", 0.1)]
)
def test_eigenvectors_and_qr_give_the_matrix_back(dtype, tolerance):
    """Of a matrix whose halves differ, eigenvectors of the mean of both; half precision is computed in float32."""
    skew = 1e-3 * (SQUARE - SQUARE.T)
    given = SYMMETRIC + skew if dtype is None else tf.cast(SYMMETRIC + skew, dtype)
    values, vectors = (np.asarray(tf.cast(x, tf.float64)) for x in linalg.eigh(given))
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, SYMMETRIC, atol=tolerance * 10)
    assert np.all(np.diff(values) > 0)
    q, r = linalg.qr(given)
    assert dtype is None or q.dtype == r.dtype == dtype
    q, r = (np.asarray(tf.cast(x, tf.float64)) for x in (q, r))
    np.testing.assert_allclose(q @ r, SYMMETRIC + skew, atol=tolerance * 10)
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=tolerance)


def test_xla_gives_eigenvectors_and_qr_too():
    """`fit(jit_compile=True)` compiles the whole step, whatever the rule says: slower, and the same."""
    given = tf.constant(SYMMETRIC)
    compiled = tf.function(lambda x: (*linalg.eigh(x), *linalg.qr(x)), jit_compile=True, autograph=False)
    for mine, theirs in zip(compiled(given), (*linalg.eigh(given), *linalg.qr(given)), strict=True):
        np.testing.assert_allclose(np.abs(mine), np.abs(theirs), atol=1e-11)  # signs are free


def test_costly_work_is_done_every_k_steps_alone():
    """In plain Python, eagerly and in a graph."""

    def at(t, count):
        return ops.every(t, 3, lambda: count() + 1.0, lambda: tf.constant(0.0, tf.float64))

    done = []
    traced = tf.function(
        lambda t: at(Scalar(t), lambda: tf.numpy_function(lambda: done.append(1) or 1.0, [], "double"))
    )
    for step in range(7):
        expected = 2.0 if step % 3 == 0 else 0.0
        assert at(float(step), lambda: 1.0) == expected
        assert at(Scalar(float(step)), lambda: tf.constant(1.0, tf.float64)).numpy() == expected
        assert traced(tf.constant(float(step), tf.float64)).numpy() == expected
    assert len(done) == 3


def test_numbers_computed_in_a_branch_are_computed_again_outside():
    """A tensor of one branch does not exist in the other, nor after it."""

    @tf.function
    def f(t, x):
        t, beta = Scalar(t), Scalar(0.5)
        y = ops.every(t, 2, lambda: (1 - beta) * x, lambda: (1 - beta) * (2 - beta) * x)
        return y, (1 - beta) * (2 - beta) * x

    x = tf.constant([4.0])
    for step, expected in ((1.0, 3.0), (2.0, 2.0)):
        inside, outside = f(tf.constant(step, tf.float64), x)
        assert (inside.numpy()[0], outside.numpy()[0]) == (expected, 3.0)
