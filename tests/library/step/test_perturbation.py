"""Weights are moved for the second gradient, and come back to the last bit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of, variables_of
from tests.library.reference.sam import gradients_nearby


class Watched:
    """A loss that notes the weights of each of its calls."""

    def __init__(self, variables, loss):
        self.variables, self.loss, self.seen = variables, loss, []

    def __call__(self):
        """Its value."""
        self.seen.append(values_of(self.variables))
        return self.loss(*map(tf.convert_to_tensor, self.variables))


def sum_of_squares(*weights):
    """A loss whose gradient is twice the weights."""
    return tf.add_n([tf.reduce_sum(tf.cast(tf.square(w), tf.float32)) for w in weights])


def awkward(dtype="float32"):
    """Weights whose sum with a perturbation, less it again, is another number."""
    return variables_of([np.random.default_rng(0).normal(size=100)], dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_are_put_back_to_the_last_bit(dtype):
    """By a copy: adding and subtracting the perturbation would leave a remainder."""
    variables = awkward(dtype)
    before = values_of(variables)[0]
    loss = Watched(variables, sum_of_squares)
    tfoptim.SAM(tfoptim.SGD(), rho=10.0).gradients(loss, variables)
    (first,), (second,) = loss.seen
    moved = second - first
    assert np.any((first + moved) - moved != first)
    np.testing.assert_array_equal(values_of(variables)[0], before)


def test_weights_are_put_back_after_an_error_in_the_second_pass():
    """So an interrupted loop leaves no moved weights."""
    variables = awkward()
    before = values_of(variables)[0]

    def fails(w):
        if np.any(w.numpy() != before):
            raise KeyboardInterrupt
        return tf.reduce_sum(w)

    with pytest.raises(KeyboardInterrupt):
        tfoptim.SAM(tfoptim.SGD()).gradients(Watched(variables, fails), variables)
    np.testing.assert_array_equal(values_of(variables)[0], before)


@pytest.mark.parametrize("adaptive", [False, True])
def test_only_rows_that_a_sparse_gradient_touches_are_moved(adaptive):
    """Repeated rows count once, by the sum of their gradients; the gradients stay sparse."""
    start = [np.arange(1.0, 13.0).reshape(6, 2), np.array([0.5, -1.0])]
    table, bias = variables_of(start, "float64")
    rows, c = np.array([4, 1, 4]), np.array([1.0, 2.0, 3.0])

    def loss(table, bias):
        return tf.reduce_sum(c[:, None] * tf.square(tf.gather(table, rows) + bias)) / 2

    def gradients_at(weights):
        each = c[:, None] * (weights[0][rows] + weights[1])
        into = np.zeros_like(weights[0])
        np.add.at(into, rows, each)
        return [into, each.sum(axis=0)]

    optimizer = tfoptim.SAM(tfoptim.SGD(1.0), rho=0.5, adaptive=adaptive)
    watched = Watched([table, bias], lambda w, b: loss(table.value, b))
    gradients = optimizer.gradients(watched, [table, bias])
    still = np.all(watched.seen[0][0] == watched.seen[1][0], axis=1)
    np.testing.assert_array_equal(still, [True, False, True, True, False, True])
    np.testing.assert_array_equal(table.numpy(), start[0])
    assert isinstance(gradients[0], tf.IndexedSlices)
    expected = gradients_nearby(start, gradients_at, 0.5, adaptive)
    optimizer.apply(gradients, [table, bias])
    for v, w, g in zip((table, bias), start, expected, strict=True):
        np.testing.assert_allclose(v.numpy(), w - g, rtol=0, atol=1e-12)  # float64, another order


def test_variables_without_gradient_stay_and_have_none():
    """They take no part in the norm; with no gradient at all, `apply` raises as always."""
    used, unused = variables_of([np.ones(2), np.ones(2)], "float64")
    optimizer = tfoptim.SAM(tfoptim.SGD(1.0), rho=np.sqrt(2))
    loss = Watched([used, unused], lambda w, _: tf.reduce_sum(w**2))
    gradients = optimizer.gradients(loss, [used, unused])
    assert gradients[1] is None
    np.testing.assert_allclose(gradients[0], [4.0, 4.0], rtol=1e-12)
    np.testing.assert_array_equal(loss.seen[1][1], np.ones(2))
    none = optimizer.gradients(lambda: tf.constant(1.0), [used, unused])
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply(none, [used, unused])


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_first_gradient_that_is_not_finite_skips_the_step(bad, mode):
    """Weights, slots and counter keep their bits, although the second gradient alone would be finite."""
    variables = variables_of([np.array([1.0, -0.1]), np.ones(2)])
    optimizer = tfoptim.SAM(tfoptim.Adam(0.1, nonfinite="skip"), rho=0.1)
    optimizer.build(variables)
    factor, calls = tf.Variable([1.0, 1.0]), []

    def loss():
        calls.append(None)
        first = factor[0] if len(calls) % 2 else factor[1]
        return first * sum_of_squares(*map(tf.convert_to_tensor, variables))

    def step():
        optimizer.apply(optimizer.gradients(loss, variables), variables)

    run = step if mode == "eager" else tf.function(step)
    run()
    before = values_of([*variables, *optimizer.variables])
    factor.assign([bad, 1.0])
    run()
    for w, v in zip(before, values_of([*variables, *optimizer.variables]), strict=True):
        np.testing.assert_array_equal(v, w)
    factor.assign([1.0, 1.0])
    run()
    assert np.all(variables[0].numpy() != before[0])


def test_such_a_gradient_propagates_or_raises_as_without_sam():
    """`nonfinite` decides: NaN weights by default."""
    variables = variables_of([np.ones(2)])
    loss = lambda: tf.constant(np.inf, tf.float32) * sum_of_squares(variables[0].value)  # noqa: E731
    raising = tfoptim.SAM(tfoptim.SGD(nonfinite="raise"))
    gradients = raising.gradients(loss, variables)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not finite"):
        raising.apply(gradients, variables)
    optimizer = tfoptim.SAM(tfoptim.SGD())
    optimizer.apply(optimizer.gradients(loss, variables), variables)
    assert np.all(np.isnan(variables[0].numpy()))


def test_a_loss_scale_cancels():
    """Fixed or dynamic, the step is the same; a factor of two changes no digit."""
    found = []
    for wrap in (
        lambda: tfoptim.SAM(tfoptim.SGD(0.1), rho=0.1),
        lambda: tfoptim.SAM(tfoptim.SGD(0.1, loss_scale_factor=1024.0), rho=0.1),
        lambda: tfoptim.LossScaleOptimizer(tfoptim.SAM(tfoptim.SGD(0.1), rho=0.1), initial_scale=2.0**10),
    ):
        optimizer, variables = wrap(), variables_of([np.array([1.0, 2.0])])
        for _ in range(3):
            optimizer.apply(optimizer.gradients(lambda v=variables: sum_of_squares(v[0].value), variables), variables)
        found.append(variables[0].numpy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_an_overflow_of_the_scaled_loss_halves_the_scale_and_skips():
    """The first pass overflows: the weights stay, and the next step is taken with half the scale."""
    (w,) = variables = variables_of([np.array([3.0])])
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.SAM(tfoptim.SGD(0.1)), initial_scale=2.0**15)
    half = lambda: tf.cast(tf.reduce_sum(tf.square(tf.cast(w.value, tf.float16))), tf.float16)  # noqa: E731
    scales = []
    for _ in range(3):
        optimizer.apply(optimizer.gradients(half, variables), variables)
        scales.append((float(optimizer.dynamic_scale.numpy()), bool(w.numpy()[0] == 3.0)))
    # the largest number of float16 is 65504: the gradient 6 * 2^13 fits, 6 * 2^14 does not
    assert scales == [(2.0**14, True), (2.0**13, True), (2.0**13, False)]


def test_it_needs_a_replica():
    """Outside of replicas there is no sum over them."""
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        w = keras.Variable([1.0])
        with pytest.raises(ValueError, match=r"inside strategy\.run"):
            tfoptim.SAM(tfoptim.SGD()).gradients(lambda: tf.reduce_sum(w.value), [w])
