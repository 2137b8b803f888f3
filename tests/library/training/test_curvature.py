"""AdaHessian in `fit`: with half precision, on replicas, from files, in and around other optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import values_of, variables_of
from tests.library.reference.adahessian import adahessian
from tests.library.training.models import X, Y, fitted, functional, sequential
from tfoptim.training import trainable

FLOAT32 = 1e-5


def network(policy="float32"):
    """Two layers, with known weights."""
    hidden = keras.layers.Dense(8, "tanh", dtype=policy)
    model = trainable(keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, dtype=policy)]))
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(size=v.shape) / 2 for v in model.weights])
    model.dtype_policy = keras.DTypePolicy(policy)
    return model


def test_fit_follows_the_loop():
    """One weight, so that any signs give the exact curvature; `fit` compiles the step."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = trainable(keras.Sequential([keras.Input((1,)), layer]))
    x, y = X[:, :1], Y
    model.compile(tfoptim.AdaHessian(0.2), "mse")
    model.fit(x, y, len(x), 6, verbose=0)
    slope, curvature = (lambda w: 2 * np.mean((x * w - y) * x)), 2 * np.mean(x**2)
    expected = adahessian(np.ones(()), [slope] * 6, [curvature] * 6, learning_rate=0.2)[-1]
    np.testing.assert_allclose(np.squeeze(values_of(model.trainable_variables)), expected, rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_follows_float32(policy):
    """Under the loss scale of Keras, added by `compile`, too, which curvatures do not have."""

    def trained(policy):
        model = network(policy)
        model.compile(tfoptim.AdaHessian(0.05, epsilon=0.1), "mse", run_eagerly=True)
        model.optimizer.initial_scale = 2.0**8
        return model, [float(model.train_on_batch(X, Y)) for _ in range(6)][-1]

    (model, found), (_, expected) = trained(policy), trained("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert found == pytest.approx(expected, rel=0.05)  # 8 bits of bfloat16 are 0.4 %, in two derivatives


@pytest.mark.parametrize(("nonfinite", "moves"), [("skip", False), ("propagate", True)])
def test_a_step_whose_curvature_is_not_finite_is_skipped_like_one_whose_gradient_is(nonfinite, moves):
    """It would hide in the slots, where an infinite mean of squares stops all later steps."""
    (w,), optimizer = variables_of([np.ones(2)]), tfoptim.AdaHessian(0.1, nonfinite=nonfinite)
    at = tf.Variable(0.0)

    def apply():
        # The slope of |x|^1.5 at 0 is 0, its curvature is infinite.
        loss = lambda: tf.reduce_sum(tf.pow(w.value - at, 1.5))  # noqa: E731  one line
        optimizer.apply(optimizer.gradients(loss, [w]), [w])

    at.assign(1.0)
    apply()
    assert moves == (not np.isfinite(w.numpy()).all())
    if not moves:
        np.testing.assert_array_equal(w.numpy(), np.ones(2))
        at.assign(0.5)
        apply()
        assert np.all(w.numpy() < 1)


@pytest.mark.slow
def test_fit_on_replicas_is_fit_on_one_device(two_replicas):
    """The same signs on each, and the sum of the products."""
    alone, expected = fitted(sequential(), tfoptim.AdaHessian(0.1, epsilon=0.1), epochs=3)
    with two_replicas.scope():
        model, found = fitted(sequential(), tfoptim.AdaHessian(0.1, epsilon=0.1), epochs=3)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    for v, w in zip(model.trainable_variables, alone.trainable_variables, strict=True):
        first, second = on_each(two_replicas, v)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, w.numpy(), rtol=0, atol=FLOAT32)


def test_a_saved_model_goes_on_to_the_last_bit(tmp_path):
    """The signs depend on the counter, which is in the file."""

    def made():
        model = functional()
        model.compile(tfoptim.AdaHessian(0.1, update_period=2, name="it"), "mse")
        return model

    (expected, first), path = (made() for _ in range(2)), tmp_path / "model.keras"
    in_order = {"shuffle": False, "verbose": 0}  # another order rounds otherwise
    expected.fit(X, Y, 12, 5, **in_order)
    first.fit(X, Y, 12, 3, **in_order)
    first.save(path)
    found = keras.models.load_model(path)
    found.fit(X, Y, 12, 2, **in_order)
    for v, w in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_it_is_a_rule_for_sam_and_the_loss_scale_but_not_for_wrappers_of_gradients():
    """The curvature is that at the perturbed weights; of a quadratic, the same."""
    for optimizer in (tfoptim.SAM(tfoptim.AdaHessian(0.1)), tfoptim.LossScaleOptimizer(tfoptim.AdaHessian(0.1))):
        (w,) = variables_of([np.array([1.0, -2.0])])
        gradients = optimizer.gradients(lambda: tf.reduce_sum([1.0, 3.0] * w.value**2), [w])  # noqa: B023
        optimizer.apply(gradients, [w])
        rule = getattr(optimizer, "inner_optimizer", optimizer)
        np.testing.assert_allclose(rule._runtime.slots[0]["hessian"].numpy(), [2.0, 6.0], rtol=1e-6)
    for wrap in (tfoptim.Lookahead, lambda rule: tfoptim.MultiOptimizer(rule, {"bias": tfoptim.Adam()})):
        with pytest.raises(TypeError, match="AdaHessian cannot be inside, because it needs the loss"):
            wrap(tfoptim.AdaHessian())
