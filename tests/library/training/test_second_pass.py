"""The second pass sees the same model, and leaves no trace."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of
from tests.library.training.models import X, Y, layers
from tfoptim.training import Loss, trainable


class Noticing(keras.layers.Layer):
    """Adds its own penalty, and notes what it is given."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, x):
        """The input."""
        self.seen.append(x)
        self.add_loss(0.1 * keras.ops.sum(x))
        return x


def noticed(rho):
    """A model with Dropout, BatchNorm and a penalty, after one step, and what it saw."""
    keras.utils.set_random_seed(0)
    notice = Noticing()
    stack = [keras.Input((3,)), keras.layers.Dropout(0.5, seed=1), notice, keras.layers.BatchNormalization(), layers()]
    model = trainable(keras.Sequential(stack))
    model.compile(tfoptim.SAM(tfoptim.SGD(0.1), rho), "mse", metrics=["mae"], run_eagerly=True)
    notice.seen.clear()
    logs = model.train_on_batch(X, Y, return_dict=True)
    return model, notice.seen, logs  # eager tensors


def test_both_passes_draw_the_same_and_only_the_first_leaves_a_trace():
    """Dropout masks are equal; statistics, seeds and metrics are those of a step without SAM."""
    model, (first, second), logs = noticed(rho=0.5)
    np.testing.assert_array_equal(first, second)
    assert np.any(first.numpy() == 0)
    plain, _, expected = noticed(rho=0)
    assert logs == expected
    for v, w in zip(model.non_trainable_variables, plain.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())
    assert np.any(model.get_layer("linear").kernel.numpy() != plain.get_layer("linear").kernel.numpy())


def test_the_next_step_draws_others():
    """The seed moves on once a step."""
    model, seen, _ = noticed(rho=0.5)
    model.train_on_batch(X, Y)
    assert np.any(seen[0].numpy() != seen[2].numpy())
    np.testing.assert_array_equal(seen[2], seen[3])


def test_a_loop_of_your_own_has_the_same_promises():
    """With `Loss`, all of them; with a plain function, all but the same random numbers."""
    layer = keras.layers.BatchNormalization(momentum=0.0)
    model = keras.Sequential([keras.Input((3,)), layer, layers()])
    model.compile(loss="mse")
    metric = keras.metrics.Sum()

    def loss():
        metric.update_state(1.0)
        return tf.reduce_mean(tf.square(model(X, training=True) - Y))

    optimizer = tfoptim.SAM(tfoptim.SGD(0.1), rho=0.5)
    for function in (loss, Loss(model, X, Y)):
        layer.moving_mean.assign(np.ones(3))
        optimizer.apply(optimizer.gradients(function, model.trainable_variables), model.trainable_variables)
        np.testing.assert_allclose(layer.moving_mean.numpy(), X.mean(axis=0), rtol=0, atol=1e-6)
    assert metric.result() == 1


def test_penalties_count_in_the_second_pass():
    """Weight and activity regularisers are part of the loss there too."""
    (w,) = X[:1, :1] * 0 + 1  # one sample of one 1
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2")
    dense.activity_regularizer = keras.regularizers.L2(1.0)
    model = trainable(keras.Sequential([keras.Input((1,)), dense]))
    model.compile(tfoptim.SAM(tfoptim.SGD(1.0), rho=0.5), "mse", run_eagerly=True)
    model.train_on_batch(w[None], np.zeros((1, 1), "float32"))
    # loss w^2 (1 + 0.01 + 1): its gradient at 1 is positive, so the second is at 1.5
    np.testing.assert_allclose(dense.kernel.numpy(), [[1 - 2 * 2.01 * 1.5]], rtol=1e-6)


def test_frozen_variables_stay_and_take_no_part():
    """A frozen layer is not moved, also if it was frozen after the optimizer was built."""
    model = trainable(keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="frozen"), layers()]))
    optimizer = tfoptim.SAM(tfoptim.Adam(0.1))
    optimizer.build(model.trainable_variables)
    model.get_layer("frozen").trainable = False
    before = values_of(model.get_layer("frozen").weights)
    model.compile(optimizer, "mse", run_eagerly=True)
    model.train_on_batch(X, Y)
    for w, v in zip(before, values_of(model.get_layer("frozen").weights), strict=True):
        np.testing.assert_array_equal(v, w)


def test_a_model_without_trainable_weights_warns_as_in_keras():
    """It still reports its loss."""
    model = trainable(keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5)]))
    model.compile(tfoptim.SAM(tfoptim.SGD()), "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        assert model.train_on_batch(X, X) > 0
