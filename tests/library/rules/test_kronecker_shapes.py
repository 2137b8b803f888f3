"""Matrices of SOAP, Shampoo and Kron: the shapes they take, values that are not finite, and what is traced."""

import numpy as np
import pytest
import tensorflow as tf

from tests.library.devices import apply_in_shares, on_each
from tests.library.harness import variables_of
from tfoptim import SOAP, Kron, MultiOptimizer, Shampoo, kronecker, simulate

WEIGHTS = np.random.default_rng(0).normal(size=(4, 3))

# Shapes and values


@pytest.mark.parametrize("make", [SOAP, *(pytest.param(rule, marks=pytest.mark.slow) for rule in (Shampoo, Kron))])
def test_eight_axes_are_trained(make):
    """As many as TensorFlow's operations take."""
    shape = (1, 2, 1, 1, 1, 1, 1, 2)
    (weight,), optimizer = variables_of([np.ones(shape)]), make(0.1)
    for _ in range(2):
        optimizer.apply([tf.ones(shape)], [weight])
    assert np.all(np.isfinite(weight.numpy()) & (weight.numpy() != 1))


@pytest.mark.parametrize(
    "make", [SOAP, lambda rate: Shampoo(rate, start_step=1), Kron], ids=["SOAP", "Shampoo", "Kron"]
)
def test_a_gradient_that_is_not_finite_stops_no_step(make):
    """The weights become what they become with every rule; kernels for eigenvalues would raise."""
    weights = variables_of([WEIGHTS, WEIGHTS])
    optimizer = make(0.1)
    for value in (1.0, np.nan, 1.0):
        optimizer.apply([tf.fill([4, 3], value), tf.ones([4, 3])], weights)
    assert np.all(np.isnan(weights[0].numpy()))
    assert np.all(np.isfinite(weights[1].numpy()))
    assert np.all(np.isnan(simulate(make(0.1), WEIGHTS, [WEIGHTS, np.full((4, 3), np.nan), WEIGHTS])[-1]))


def test_the_shape_of_a_gradient_may_be_unknown_until_the_step_runs():
    """As after a function of NumPy, or of an embedding's rows."""
    optimizer, (weight,) = SOAP(0.1), variables_of([WEIGHTS])
    optimizer.build([weight])
    step = tf.function(lambda g: optimizer.apply([g], [weight]), input_signature=[tf.TensorSpec(None)])
    for i in range(2):
        step(tf.constant(WEIGHTS + i, tf.float32))
    expected = simulate(SOAP(0.1), WEIGHTS, [WEIGHTS, WEIGHTS + 1])[-1]
    np.testing.assert_allclose(weight.numpy(), expected, rtol=0, atol=1e-5)  # float32, enlarged by eigenvectors


@pytest.mark.parametrize(
    ("shape", "limit", "expected"),
    [
        ((3, 3, 64, 128), 1000, (576, 128)),
        ((4, 3), 12, (12,)),
        ((4, 3), 11, (4, 3)),
        ((1, 1, 32, 1), 8, (32,)),
        ((1, 1), 8, (1,)),
        ((5,), 3, (5,)),
        ((), 3, ()),
    ],
)
def test_neighbouring_axes_are_joined_from_the_left(shape, limit, expected):
    """As long as they have no more elements than the limit."""
    assert kronecker.merged(shape, limit) == expected


def test_two_replicas_hold_the_same_bits(two_replicas):
    """Eigenvectors, decompositions and noise, which each replica computes for itself; one step for all three rules."""
    generator = np.random.default_rng(1)
    with two_replicas.scope():
        variables = variables_of([generator.normal(size=(4, 3)) for _ in range(3)])
        others = {"weight_1": Shampoo(0.1, start_step=2, precondition_frequency=1), "weight_2": Kron(0.1)}
        optimizer = MultiOptimizer(SOAP(0.1, precondition_frequency=1), others)
        optimizer.build(variables)
    start = [v.numpy() for v in variables]
    apply_in_shares(two_replicas, optimizer, variables, [[generator.normal(size=(4, 3))] * 3 for _ in range(3)])
    for kept in (*variables, *optimizer.variables):
        np.testing.assert_array_equal(*on_each(two_replicas, kept))
    assert all(np.abs(on_each(two_replicas, v)[0] - w).min() > 0 for v, w in zip(variables, start, strict=True))


# Tracing


@pytest.mark.parametrize(
    "make",
    [
        SOAP,
        pytest.param(lambda **often: Shampoo(**often, start_step=1), marks=pytest.mark.slow),
        pytest.param(lambda **often: Kron(), marks=pytest.mark.slow),
    ],
    ids=["SOAP", "Shampoo", "Kron"],
)
def test_variables_of_a_shape_are_traced_once(make):
    """Twenty matrices of two shapes are two functions, and no step traces again."""
    shapes = [(4, 3), (6, 6)] * 10
    variables = variables_of([np.ones(shape) for shape in shapes])
    optimizer = make(precondition_frequency=2)
    for _ in range(5):
        optimizer.apply([tf.ones(shape) for shape in shapes], variables)
    counts = [function.experimental_get_tracing_count() for function in optimizer._runtime.compiled.values()]
    assert counts == [1, 1]
    ((step, _),) = optimizer._runtime.eager.values()
    assert step.experimental_get_tracing_count() == 1
