"""The hook for rules that need more than a gradient, with a small second-order rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import values_of, variables_of
from tests.library.quadratic import CURVATURES, START, loss_of
from tests.library.training.models import X, Y, functional
from tfoptim import ops
from tfoptim.step.derivatives import hessian_products, keep
from tfoptim.training import gradients


class Diagonal(tfoptim.Optimizer):
    """Newton's method with the diagonal of the Hessian, estimated by z (Hz) with z = 1 or -1, and kept in a slot."""

    slots = {"curvature": 0.0}  # noqa: RUF012  the declared form

    def gradients(self, loss, variables):
        """The gradients; keeps the diagonal for `direction`."""
        signs = [
            tf.where(tf.random.stateless_uniform(v.shape, [1, i]) < 0.5, -1.0, 1.0) for i, v in enumerate(variables)
        ]
        signs = [tf.cast(z, v.dtype) for z, v in zip(signs, variables, strict=True)]
        found, products = hessian_products(self, loss, variables, signs)
        keep(self, "curvature", variables, [z * p for z, p in zip(signs, products, strict=True)])
        return found

    def direction(self, h, g, w, s):
        """Newton's, element by element, not too long where the curvature is small."""
        return g / ops.maximum(ops.absolute(s.curvature), 0.5)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_the_diagonal_of_a_diagonal_hessian_is_exact_for_any_signs(mode):
    """So half of Newton's step halves every weight; nested tapes compile."""
    optimizer, variables = Diagonal(0.5), variables_of(START, "float64")
    loss = loss_of(variables)

    def step():
        optimizer.apply(optimizer.gradients(loss, variables), variables)

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    optimizer.build(variables)
    run()
    for v, w in zip(values_of(variables), START, strict=True):
        np.testing.assert_allclose(v, w / 2, rtol=1e-15)
    kept = [v.numpy() for v in optimizer.variables if "curvature" in v.path]
    for found, curvature in zip(kept, CURVATURES, strict=True):
        np.testing.assert_allclose(found, curvature, rtol=1e-15)


def test_it_composes_with_sam():
    """Curvature and gradient are those of the perturbed weights; on a quadratic the first is the same everywhere."""
    variables = variables_of([np.array([3.0, 4.0])], "float64")
    optimizer = tfoptim.SAM(Diagonal(0.5), rho=1.0)
    optimizer.apply(optimizer.gradients(lambda: tf.reduce_sum(variables[0].value ** 2), variables), variables)
    np.testing.assert_allclose(variables[0].numpy(), [3 - 3.6 / 2, 4 - 4.8 / 2], rtol=1e-12)


def test_it_trains_in_fit_and_is_refused_without_the_loss():
    """Through the same `train_step`; the squared error of a linear model is quadratic, so the loss falls fast."""
    model = functional()
    model.compile(Diagonal(0.3), "mse", run_eagerly=True)
    first, *_, last = [model.train_on_batch(X, Y) for _ in range(8)]
    assert last < first / 2
    optimizer, variables = Diagonal(0.1), variables_of(START)
    with pytest.raises(RuntimeError, match="Diagonal needs the loss"):
        optimizer.apply([tf.constant(w) for w in START], variables)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda: Diagonal(0.5, loss_scale_factor=64.0),
        lambda: tfoptim.LossScaleOptimizer(Diagonal(0.5), initial_scale=64.0),
        lambda: keras.optimizers.LossScaleOptimizer(Diagonal(0.5), initial_scale=64.0),
    ],
)
def test_products_are_free_of_the_loss_scale(wrap):
    """Gradients have it until `apply` takes it off; a curvature that kept it would shorten the step."""
    optimizer, variables = wrap(), variables_of([np.array([1.0, -2.0])])
    optimizer.build(variables)
    found = gradients(optimizer, lambda: tf.reduce_sum(variables[0].value ** 2), variables)
    np.testing.assert_array_equal(found[0], [128.0, -256.0])
    optimizer.apply(found, variables)
    np.testing.assert_array_equal(variables[0].numpy(), [0.5, -1.0])


def test_products_with_a_full_hessian():
    """Of two variables, one of them looked up twice; a variable without second derivative has zeros."""
    table, slope = variables_of([np.array([[1.0], [2.0]]), np.array([3.0])], "float64")
    rows = [1, 1]

    def loss():  # t^2 s + 5 t + s at t = table[1], for both rows
        t = tf.reduce_sum(tf.gather(table.value, rows)) / 2
        return t**2 * slope.value[0] + 5 * t + slope.value[0]

    vectors = [tf.constant([[7.0], [11.0]], tf.float64), tf.constant([13.0], tf.float64)]
    found, (of_table, of_slope) = hessian_products(tfoptim.SGD(), loss, [table, slope], vectors)
    np.testing.assert_allclose(tf.convert_to_tensor(found[0]), [[0.0], [2 * 2 * 3 + 5]])
    np.testing.assert_allclose(of_table, [[0.0], [2 * 3 * 11 + 2 * 2 * 13]])
    np.testing.assert_allclose(of_slope, [2 * 2 * 11])
    none = hessian_products(tfoptim.SGD(), lambda: 2 * table.value[0, 0], [table, slope], vectors)
    assert none[0][1] is None
    np.testing.assert_array_equal(none[1][0], np.zeros((2, 1)))


def test_what_is_kept_is_the_sum_over_replicas(two_replicas):
    """As gradients are, on both devices the same."""
    with two_replicas.scope():
        (v,) = variables = [keras.Variable([1.0, 2.0])]
        optimizer = Diagonal(0.5)
        optimizer.build(variables)

    def in_replica():
        share = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32) + 1
        optimizer.apply(optimizer.gradients(lambda: share * tf.reduce_sum(v.value**2), variables), variables)

    two_replicas.run(in_replica)
    (kept,) = [v for v in optimizer.variables if "curvature" in v.path]
    for copy, w in zip(on_each(two_replicas, kept), on_each(two_replicas, v), strict=True):
        np.testing.assert_array_equal(copy, [6.0, 6.0])
        np.testing.assert_array_equal(w, [0.5, 1.0])


@pytest.mark.parametrize("where", [{"inner": Diagonal()}, {"optimizers": [tfoptim.SGD(), Diagonal()]}])
def test_a_wrapper_that_does_not_ask_for_the_loss_is_refused(where):
    """It would take the steps of a rule that has not what it needs."""
    optimizer, variables = tfoptim.SGD(), variables_of([np.array([1.0])])
    vars(optimizer).update(where)
    with pytest.raises(RuntimeError, match="Diagonal needs the loss, not only gradients, and cannot be inside SGD"):
        optimizer.apply(optimizer.gradients(lambda: variables[0].value[0], variables), variables)


class Doubled:
    """A mixin that changes the gradients."""

    def gradients(self, loss, variables):
        """Twice as large."""
        return [2 * g for g in super().gradients(loss, variables)]


def test_a_hook_of_a_mixin_counts_too():
    """It would else be left out silently in a plain `fit`."""

    class Twice(Doubled, tfoptim.SGD):
        pass

    class Heir(Twice):
        pass

    for cls in (Twice, Heir):
        optimizer, variables = cls(0.5), variables_of([np.array([1.0])])
        with pytest.raises(RuntimeError, match=f"{cls.__name__} needs the loss"):
            optimizer.apply([tf.constant([1.0])], variables)
        optimizer.apply(optimizer.gradients(lambda v=variables: v[0].value[0] / 4, variables), variables)
        assert variables[0].numpy() == 0.75


def test_the_default_is_one_tape_and_any_gradients_are_taken():
    """Scaled as `apply` expects; no variables are an error."""
    optimizer, variables = tfoptim.SGD(0.5, loss_scale_factor=8.0), variables_of([np.array([1.0])])
    gradients = optimizer.gradients(lambda: 2 * variables[0].value[0], variables)
    assert gradients[0].numpy() == 16.0
    optimizer.apply(gradients, variables)
    assert variables[0].numpy() == 0.0
    with pytest.raises(ValueError, match="no variables are given"):
        optimizer.gradients(lambda: tf.constant(1.0), [])
