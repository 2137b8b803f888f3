"""SOAP, Shampoo and Kron: agreement with their loops, and identities."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import reference
from tests.library.harness import variables_of
from tfoptim import SOAP, Adam, Kron, Shampoo, noise, simulate, whitening

GENERATOR = np.random.default_rng(0)
STEPS = 12
SHAPES = ((4, 3), (6, 6), (3, 3, 2, 4), (3,))
START = GENERATOR.normal(size=(4, 3))
GRADIENTS = [GENERATOR.normal(size=(4, 3)) for _ in range(STEPS)]
LEFT, RIGHT = (np.linalg.qr(GENERATOR.normal(size=(n, n)))[0] for n in (4, 3))
ROUNDING = 1e-12  # float64, in rules that compute the same in another order
EIGENVALUES = 1e-8  # the same, where eigenvectors are computed
DECOMPOSED = 3e-6  # the same, where bases are decomposed again and again


# Agreement with the loops, where the rows of the table do not go

LOOPS = {
    "SOAP, often": (SOAP, reference.soap, {"precondition_frequency": 1}, DECOMPOSED),
    "SOAP, joined": (SOAP, reference.soap, {"merge_dims": True, "max_precondition_dim": 9}, DECOMPOSED),
    "Shampoo, late": (Shampoo, reference.shampoo, {"start_step": 4, "precondition_frequency": 3}, EIGENVALUES),
    "Shampoo, alone": (Shampoo, reference.shampoo, {"grafting": None, "start_step": 2, "exponent": 0.2}, EIGENVALUES),
    "Kron, of one axis": (Kron, reference.kron, {"max_size_triangular": 2}, ROUNDING),
}


@pytest.mark.parametrize("name", LOOPS)
def test_twelve_steps_on_every_shape_equal_the_loop(name):
    """A matrix, a square one, a kernel of a convolution and a vector; `simulate` equals training, as the rows show."""
    make, loop, options, tolerance = LOOPS[name]
    generator = np.random.default_rng(1)
    for shape in SHAPES:
        start, *gradients = generator.normal(size=(STEPS + 1, *shape))
        path = np.stack(list(loop(start, gradients, learning_rate=0.1, **options)))
        moved = np.max(np.abs(path - start))
        found = simulate(make(0.1, **options), start, gradients)
        np.testing.assert_allclose(found, path, rtol=0, atol=tolerance * moved)


# Identities


def late(gradients, **options):
    """Adam's path that begins at the second gradient, as SOAP's does."""
    adam = Adam(0.003, beta_1=0.95, beta_2=0.95, epsilon=1e-8, **options)
    return np.concatenate([START[None], simulate(adam, START, gradients[1:])])


def test_soap_without_factors_is_adam_one_step_late():
    """To the last bit: with no axis short enough, the basis is the identity."""
    found = simulate(SOAP(max_precondition_dim=0), START, GRADIENTS)
    np.testing.assert_allclose(found, late(GRADIENTS), rtol=0, atol=1e-15)


def test_soap_of_diagonal_gradients_is_adam_one_step_late():
    """Their eigenvectors are unit vectors, whose order does not matter."""
    diagonal = [np.eye(4, 3) * g for g in GRADIENTS]
    found = simulate(SOAP(precondition_frequency=3), START, diagonal)
    np.testing.assert_allclose(found, late(diagonal), rtol=0, atol=1e-10)  # rounding beside epsilon where g is 0


@pytest.mark.parametrize(
    "optimizer",
    [SOAP(precondition_frequency=3), Shampoo(start_step=2, precondition_frequency=3, grafting="sgd")],
    ids=["SOAP", "Shampoo"],
)
def test_rotations_of_weights_and_gradients_rotate_the_path(optimizer):
    """From both sides, through changes of the bases; Adam's lengths would know of the axes."""
    rotated = simulate(optimizer, LEFT @ START @ RIGHT, [LEFT @ g @ RIGHT for g in GRADIENTS])
    expected = LEFT @ simulate(optimizer, START, GRADIENTS) @ RIGHT
    np.testing.assert_allclose(rotated, expected, rtol=0, atol=DECOMPOSED * 0.01)
    assert np.abs(rotated[-1] - rotated[0]).max() > 1e-3


def test_the_bases_of_soap_stay_orthogonal_and_its_statistics_symmetric():
    """In float32, over 60 changes."""
    (weight,) = variables_of([START])
    optimizer = SOAP(precondition_frequency=1)
    for i in range(60):
        optimizer.apply([tf.constant(GRADIENTS[i % STEPS], "float32")], [weight])
    slots = {name: slot.numpy() for name, slot in optimizer._runtime.slots[0].items()}
    for basis, statistics in ((slots["Q0"], slots["L0"]), (slots["Q1"], slots["L1"])):
        np.testing.assert_allclose(basis.T @ basis, np.eye(len(basis)), atol=1e-5)
        np.testing.assert_allclose(statistics, statistics.T, rtol=1e-5)
        turned = basis.T @ statistics @ basis
        np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=0.05 * turned.max())  # nearly diagonal
        assert np.all(np.diff(np.diag(turned)) < 0)  # and sorted


def adam_of_the_paper():
    """Weights with epsilon beside the corrected root, as in grafting."""
    w, m, v = START, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - 0.001 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        yield w


@pytest.mark.parametrize("options", [{"start_step": 99}, {"max_precondition_dim": 0, "start_step": 99}])
def test_shampoo_that_never_begins_is_adam(options):
    """The grafted one, with the epsilon of the paper."""
    np.testing.assert_allclose(simulate(Shampoo(**options), START, GRADIENTS), list(adam_of_the_paper()), rtol=1e-13)


@pytest.mark.parametrize("grafting", ["adam", "rmsprop", "sgd"])
def test_a_grafted_step_is_as_long_as_that_of_the_other_rule(grafting):
    """In another direction."""
    found, other = (
        np.diff(simulate(Shampoo(1.0, grafting=grafting, start_step=start), START, GRADIENTS[:2]), axis=0)[0]
        for start in (1, 99)
    )
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(other), rel=1e-12)
    assert np.abs(found - other).max() > 1e-3 * np.abs(other).max()


def test_shampoo_of_2018_is_the_paper():
    """Sums from epsilon I, fourth roots, and for a vector AdaGrad with the full matrix."""
    options = {"beta_1": 0.0, "beta_2": 1.0, "epsilon": 0.1, "relative_epsilon": False, "grafting": None}
    optimizer = Shampoo(0.1, **options, precondition_frequency=1)

    def root(x, power):
        values, vectors = np.linalg.eigh(x)
        return vectors @ np.diag(values**power) @ vectors.T

    left, right, full = 0.1 * np.eye(4), 0.1 * np.eye(3), 0.1 * np.eye(3)
    w, x, path = START, START[0], []
    for g in GRADIENTS:
        left, right, full = left + g @ g.T, right + g.T @ g, full + np.outer(g[0], g[0])
        w, x = w - 0.1 * root(left, -0.25) @ g @ root(right, -0.25), x - 0.1 * root(full, -0.5) @ g[0]
        path.append((w, x))
    np.testing.assert_allclose(simulate(optimizer, START, GRADIENTS), [w for w, _ in path], rtol=1e-10)
    vectors = simulate(optimizer, START[0], [g[0] for g in GRADIENTS])
    np.testing.assert_allclose(vectors, [x for _, x in path], rtol=1e-10)


@pytest.mark.parametrize("optimizer", [SOAP(epsilon=0.0), Shampoo(start_step=1, grafting_epsilon=0.0)], ids=str)
def test_the_scale_of_gradients_does_not_matter(optimizer):
    """Ten times as large: the first matrices are singular, and an epsilon that is no share would be felt."""
    one, other = (simulate(optimizer, START, [c * g for g in GRADIENTS]) for c in (1.0, 10.0))
    np.testing.assert_allclose(one, other, rtol=0, atol=EIGENVALUES)


def test_an_absolute_epsilon_knows_the_scale():
    """The docstring's reason for a relative one."""
    optimizer = Shampoo(start_step=1, relative_epsilon=False, epsilon=1e-2, grafting_epsilon=0.0)
    one, other = (simulate(optimizer, START, [c * g for g in GRADIENTS]) for c in (1.0, 10.0))
    assert np.abs(one - other).max() > 1e-5


# Kron


def test_triangles_learn_to_whiten():
    """Of pairs (v, H v), Q^T Q becomes the inverse of H, but for the noise that damps it, 3e-4 of the momentum."""
    generator = np.random.default_rng(0)
    half = generator.normal(size=(4, 4))
    hessian, triangles = half @ half.T + np.eye(4), [np.eye(4), np.ones(1)]
    for _ in range(500):
        v = generator.normal(size=(4, 1))
        _, *triangles = whitening.fitted(triangles, hessian @ v, v, 0.1)
    q, scale = triangles
    np.testing.assert_allclose(scale**2 * q.T @ q @ hessian, np.eye(4), atol=5e-3)


def test_a_zero_momentum_leaves_the_triangles():
    """Where every update would enlarge them by a tenth, without end."""
    q, d = [np.triu(LEFT), np.ones(3)], np.zeros((4, 3))
    _, *new = whitening.fitted(q, d, START, 0.1)
    product = new[0][:, :, None] * new[1]
    np.testing.assert_allclose(product, q[0][:, :, None] * q[1], rtol=1e-14)


def test_noise_depends_on_seed_and_step_alone():
    """In eager mode, in a graph and in NumPy; TensorFlow's other seeds do not matter."""
    h = tfoptim.scalar.Scalar(5.0)
    expected = noise.normals(START, 3, 5.0)
    tf.random.set_seed(1)
    for draw in (noise.normals, tf.function(noise.normals)):
        np.testing.assert_array_equal(draw(tf.constant(START), 3, h), expected)
    assert float(noise.uniform(3, h).value) == noise.uniform(3, 5.0)
    theirs = tf.random.stateless_normal([5, 3], [3, 5], alg="philox")
    np.testing.assert_allclose(noise.normals(np.zeros((5, 3)), 3, 5.0), theirs, atol=1e-6)  # which are not in XLA
    others = [noise.normals(START, seed, t) for seed, t in ((3, 6.0), (4, 5.0))]
    assert all(np.abs(other - expected).min() > 0 for other in others)
    assert abs(np.mean(noise.normals(np.zeros(10_000), 0, 1.0))) < 0.05


@pytest.mark.slow
def test_noise_is_the_same_in_xla():
    """Which takes long to compile it."""
    h = tfoptim.scalar.Scalar(5.0)
    draw = tf.function(noise.normals, jit_compile=True)
    np.testing.assert_array_equal(draw(tf.constant(START), 3, h), noise.normals(START, 3, 5.0))
    compiled = tf.function(lambda: noise.uniform(3, tfoptim.scalar.Scalar(5.0)).value, jit_compile=True)
    assert float(compiled()) == noise.uniform(3, 5.0)


def test_the_triangles_of_kron_move_less_often_later():
    """At first in each step, with probability 0.03 in the end."""

    def moves(step, **options):
        optimizer, (weight,) = Kron(**options), variables_of([START])
        optimizer.build([weight])
        triangle, found = optimizer._runtime.slots[0]["Q0"], []
        for t in range(step, step + 6):
            optimizer.iterations.assign(t)
            before = triangle.numpy()
            optimizer.apply([tf.ones([4, 3])], [weight])
            found.append(not np.array_equal(before, triangle.numpy()))
        return found

    assert moves(0) == [True] * 6
    assert moves(0, update_probability=0.0) == [False] * 6
    late = range(9_000, 10_000)  # steps, counted from 1
    drawn = {t: noise.uniform(0, t) < 0.03 for t in late}
    assert np.mean(list(drawn.values())) == pytest.approx(0.03, abs=0.01)
    rare = next(t for t in late[5:] if drawn[t])
    assert moves(rare - 3) == [drawn[t] for t in range(rare - 2, rare + 4)]
