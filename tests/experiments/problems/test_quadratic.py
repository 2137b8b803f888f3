"""`quadratic_deep` is the published random problem, the same at each construction, with its closed-form values."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from experiments.errors import UserError
from experiments.problems import quadratic

QUADRATIC, EIGENVALUES = quadratic.QUADRATIC_DEEP, quadratic.curvature()[0]


def gradient(theta, rows):
    """The gradient of the mean loss, by hand."""
    return QUADRATIC.matrix @ (np.asarray(theta) - rows.mean(axis=0))


def test_eigenvalues_begin_as_published():
    """90 small ones first, then 10 large ones, to the 7 digits known."""
    assert EIGENVALUES.shape == (100,)
    assert EIGENVALUES[[0, 90]] == pytest.approx([0.3745401, 33.5878274], abs=5e-8)
    assert EIGENVALUES[:90].max() < 1
    assert EIGENVALUES[90:].min() > 30


def test_matrix_has_the_known_spectrum():
    """Trace, its two parts, extreme eigenvalues and condition, to the digits known."""
    found = np.linalg.eigvalsh(QUADRATIC.matrix)
    assert found == pytest.approx(np.sort(EIGENVALUES), rel=1e-9)  # 1e-14 of the largest, seen at the smallest
    assert np.trace(QUADRATIC.matrix) == pytest.approx(477.612280, abs=5e-7)
    assert EIGENVALUES[:90].sum() == pytest.approx(42.514826, abs=5e-7)
    assert EIGENVALUES[90:].sum() == pytest.approx(435.097454, abs=5e-7)
    assert found[-1] == pytest.approx(53.129015, abs=5e-7)
    assert found[0] == pytest.approx(0.005522117, abs=5e-10)
    assert found[-1] / found[0] == pytest.approx(9_621.13, abs=5e-3)


def test_matrix_is_symmetric_and_turned_as_published():
    """1ᵀ Q 1 depends on the rotation, which the spectrum does not show."""
    assert np.array_equal(QUADRATIC.matrix, QUADRATIC.matrix.T)
    assert QUADRATIC.matrix.sum() == pytest.approx(535.058686, abs=5e-7)


def test_rotation_is_orthogonal_with_determinant_one():
    """A rotation in any number of dimensions, to float64 rounding of a product of as many reflections."""
    for dimensions in (2, 3, 10, 100):
        made = quadratic._haar(np.random.RandomState(dimensions), dimensions)
        assert made @ made.T == pytest.approx(np.eye(dimensions), abs=1e-12)
        assert np.linalg.det(made) == pytest.approx(1, abs=1e-12)


def test_constructing_twice_gives_the_same_problem():
    """The original's second construction is another one, with trace 468.693."""
    first = QUADRATIC.matrix
    quadratic._curvature.cache_clear()
    np.random.RandomState(0).normal(size=5)
    assert np.array_equal(quadratic.Quadratic().matrix, first)


def test_training_arrays_are_the_same_on_every_machine():
    """Q and all rows in float32, hashed: the data's identity."""
    parts = (QUADRATIC.matrix, *(QUADRATIC.rows(split) for split in quadratic.ROW_SEEDS))
    found = hashlib.sha256(b"".join(part.astype("<f4").tobytes() for part in parts)).hexdigest()
    assert found == "b0c2b18d98ae6ee3583947034d2128cb4d5d48cbb42a4e352940b053819ba116"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(896, 353.4468), (1_000, 353.9260)],
)
def test_loss_at_the_start_is_the_published_one(rows, expected):
    """θ = 1, on whole batches and on all test rows, to the 4 digits known."""
    assert QUADRATIC.loss(QUADRATIC.start, QUADRATIC.rows("test")[:rows]).mean() == pytest.approx(expected, abs=5e-5)


def test_a_converged_run_ends_at_the_known_test_loss():
    """The mean of the training rows minimises the training loss; momentum's published end is 87.045 ± 0.025."""
    tested = QUADRATIC.rows("test")[:896]
    assert QUADRATIC.loss(QUADRATIC.rows("train").mean(axis=0), tested).mean() == pytest.approx(87.0460, abs=5e-5)
    assert QUADRATIC.loss(tested.mean(axis=0), tested).mean() == pytest.approx(86.8735, abs=5e-5)


def test_gradient_descent_is_stable_below_the_known_rate_only():
    """2 over the largest curvature, 0.0376442; a hundredth more grows without end."""
    stable = 2 / EIGENVALUES.max()
    assert stable == pytest.approx(0.0376442, abs=5e-8)
    rows, ends = QUADRATIC.rows("train"), {}
    for factor in (0.99, 1.01):
        theta = QUADRATIC.start
        for _ in range(1_000):
            theta = theta - factor * stable * gradient(theta, rows)
        ends[factor] = QUADRATIC.loss(theta, rows).mean()
    assert ends[0.99] < 100
    assert ends[1.01] > 1e6


def test_gradient_by_hand_is_tensorflows():
    """The mean over a batch; float64 rounding of sums of 100 terms up to 60."""
    rows = QUADRATIC.rows("train")[:128]
    theta = tf.Variable(np.random.default_rng(0).normal(size=100))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(QUADRATIC.loss(theta, rows))
    assert tape.gradient(loss, theta).numpy() == pytest.approx(gradient(theta, rows), abs=1e-11)


def test_loss_is_one_for_arrays_and_tensors():
    """One formula; in float32, to 1e-5 of the loss: sums of 10,000 products, each rounded to 6e-8."""
    rows, theta = QUADRATIC.rows("test")[:128], QUADRATIC.start
    exact = QUADRATIC.loss(theta, rows)
    assert QUADRATIC.loss(list(theta), rows.tolist()) == pytest.approx(exact, rel=1e-13)
    single = tf.function(QUADRATIC.loss)(tf.constant(theta, tf.float32), rows)
    assert single.dtype == tf.float32
    assert single.numpy() == pytest.approx(exact, rel=1e-5)


def test_splits_have_rows_of_their_own():
    """1,000 each of spread 0.6, none of them in two splits, so that nothing is chosen by test rows."""
    splits = [QUADRATIC.rows(split) for split in ("train", "validation", "test")]
    assert [rows.shape for rows in splits] == [(1_000, 100)] * 3
    for rows in splits:
        assert rows.std() == pytest.approx(0.6, abs=0.007)  # five standard errors of 100,000 draws
    seen = {hashlib.sha256(row.tobytes()).digest() for rows in splits for row in rows}
    assert len(seen) == 3_000


def test_shared_arrays_cannot_be_written():
    """A run that changed them would change the next run's problem."""
    for array in (QUADRATIC.matrix, EIGENVALUES, QUADRATIC.rows("train")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_bad_input_is_refused_in_one_sentence():
    """Splits by name, points by their coordinates."""
    with pytest.raises(
        UserError, match=r"^Unknown split of quadratic_deep 'tests': did you mean 'test'\? Known: train"
    ):
        QUADRATIC.rows("tests")
    with pytest.raises(ValueError, match=r"^quadratic_deep: theta must have 100 coordinates.*\(99,\)\.$"):
        QUADRATIC.loss(np.zeros(99), QUADRATIC.rows("train"))
    with pytest.raises(ValueError, match=r"^quadratic_deep: a row must have 100 coordinates.*\(4, 2\)\.$"):
        QUADRATIC.loss(QUADRATIC.start, np.zeros((4, 2)))
