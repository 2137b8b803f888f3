"""Muon: its identities, and what a rule of matrices defines."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import variables_of
from tfoptim import Muon, simulate

GENERATOR = np.random.default_rng(0)
PLAIN = {"learning_rate": 1.0, "weight_decay": 0.0, "rms_rate": None}
EXACT = [[15 / 8, -10 / 8, 3 / 8]]  # its iterations converge to singular values of 1
MATRIX = GENERATOR.normal(size=(4, 3))


def first(gradient, path="", **arguments):
    """The first step from zero, with the sign of the gradient."""
    return -simulate(Muon(**PLAIN | arguments), np.zeros(gradient.shape), [gradient], path)[0]


# Identities


def test_singular_values_come_near_to_one():
    """Within [0.68, 1.21] for a matrix of good condition, as its coefficients promise."""
    for shape in ((4, 3), (6, 6), (3, 8)):
        values = np.linalg.svd(first(GENERATOR.normal(size=shape)), compute_uv=False)
        assert np.all((values > 0.68) & (values < 1.21))


@pytest.mark.parametrize(
    "arguments",
    [
        {"coefficients": EXACT * 20},
        {"ns_steps": 20, **dict(zip(("muon_a", "muon_b", "muon_c"), EXACT[0], strict=True))},
    ],
    ids=["a list", "three numbers"],
)
def test_with_the_right_coefficients_the_step_is_the_polar_factor(arguments):
    """U V^T of the singular value decomposition, to rounding."""
    u, _, v = np.linalg.svd(MATRIX, full_matrices=False)
    np.testing.assert_allclose(first(MATRIX, **arguments), u @ v, atol=1e-13)


def test_polar_express_is_nearer_to_one():
    """Of the five triples of the paper: [0.001, 1] goes to [0.876, 1.124]."""
    given = np.diag(np.geomspace(1e-3, 1, 40))
    values = np.diagonal(first(given / np.linalg.norm(given), coefficients="polar_express"))
    assert np.all((values[20:] > 0.87) & (values[20:] < 1.13))  # the norm has made them smaller


def test_rotations_of_the_gradient_rotate_the_step():
    """From both sides."""
    left, right = (np.linalg.qr(GENERATOR.normal(size=(n, n)))[0] for n in (4, 3))
    np.testing.assert_allclose(first(left @ MATRIX @ right), left @ first(MATRIX) @ right, atol=1e-13)


def test_the_scale_of_gradients_does_not_matter():
    """A thousand times as large: only the 1e-7 added to the norm makes a difference."""
    gradients = [GENERATOR.normal(size=(4, 3)) for _ in range(12)]
    one, other = (simulate(Muon(), MATRIX, [c * g for g in gradients]) for c in (1.0, 1000.0))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.max(np.abs(one - MATRIX)))


def test_a_zero_gradient_moves_nothing_and_rank_one_stays():
    """No division by zero; of one singular value the others stay 0."""
    np.testing.assert_array_equal(first(np.zeros((4, 3))), np.zeros((4, 3)))
    values = np.linalg.svd(first(np.outer(MATRIX[:, 0], MATRIX[0])), compute_uv=False)
    assert values == pytest.approx([0.697, 0, 0], abs=1e-3)


def test_scales():
    """By the larger side, by the ratio of the sides, or none."""
    wide = MATRIX.T
    plain = first(wide)
    np.testing.assert_allclose(first(wide, rms_rate=0.2), 0.2 * 2 * plain, rtol=1e-14)
    np.testing.assert_allclose(first(wide, width_scale=True), np.sqrt(4 / 3) * plain, rtol=1e-14)
    np.testing.assert_allclose(first(MATRIX, width_scale=True, rms_rate=0.2), first(MATRIX), rtol=1e-14)


def test_of_matrix_is_all_that_a_rule_of_matrices_defines():
    """A user's rule is routed alike; without the method it says what is missing."""

    class Signs(Muon):
        def of_matrix(self, h, g, s):
            """The sign of each element."""
            return np.sign(g)

    np.testing.assert_array_equal(simulate(Signs(1.0, weight_decay=0.0), 0 * MATRIX, [MATRIX])[0], -np.sign(MATRIX))
    with pytest.raises(NotImplementedError, match=r"Muon must define of_matrix\(h, g, s\)"):
        tfoptim.routing.Routed.of_matrix(Muon(), None, None, None)


def test_numbers_of_matrices_are_live_in_the_traced_step():
    """Each counts from the next step on, without a new trace."""
    (weights,), optimizer, traces = variables_of([MATRIX]), Muon(0.1), []

    @tf.function
    def step():
        traces.append(1)
        optimizer.apply([tf.constant(MATRIX, "float32")], [weights])

    def moved(**numbers):
        weights.assign(MATRIX)
        for variable in optimizer.variables[2:]:
            variable.assign(tf.ones_like(variable))
        for name, number in numbers.items():
            setattr(optimizer, name, number)
        step()
        return weights.numpy()

    optimizer.build([weights])
    known = moved()
    for name in ("muon_a", "muon_b", "muon_c", "momentum", "rms_rate", "weight_decay"):
        given = optimizer.given(name)
        assert not np.array_equal(known, moved(**{name: given * 0.5}))
        np.testing.assert_array_equal(known, moved(**{name: given}))
    assert len(traces) == 1
