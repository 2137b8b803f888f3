"""MultiOptimizer amid what is around a step: loss scales, frozen layers, loops of one's own, simulation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import variables_of
from tests.library.saving.models import X, Y, network
from tfoptim import SGD, Adam, MultiOptimizer


class Noting(SGD):
    """A user's optimizer that sees each write."""

    writes = 0

    def assign(self, variable, value):
        """Counts."""
        self.__dict__["writes"] = self.writes + 1
        super().assign(variable, value)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_part_may_assign_in_its_own_way(scaled):
    """At each call, which no traced step would repeat."""
    noting = Noting(1.0)
    optimizer = MultiOptimizer(SGD(1.0), {"_1": noting})
    optimizer = tfoptim.LossScaleOptimizer(optimizer, initial_scale=2.0) if scaled else optimizer
    variables = variables_of([np.zeros(1)] * 2)
    for _ in range(3):
        optimizer.apply([tf.ones(1)] * 2, variables)
    assert noting.writes == 3


def test_a_loss_scale_stands_around_the_whole():
    """It is divided out once, and halved where any part has a gradient that is not finite."""
    optimizer = tfoptim.LossScaleOptimizer(MultiOptimizer(SGD(1.0), {"_1": SGD(2.0)}), initial_scale=8.0)
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.apply([tf.constant([8.0])] * 2, variables)
    optimizer.apply([tf.constant([8.0]), tf.constant([np.inf])], variables)
    assert [float(v.numpy()[0]) for v in variables] == [-1.0, -2.0]
    assert float(optimizer.dynamic_scale.numpy()) == 4.0


def test_half_precision_models_train():
    """With Keras's loss scale around it, as `compile` puts it, and with ours."""
    for scaled in (keras.optimizers.LossScaleOptimizer, tfoptim.LossScaleOptimizer):
        model = network(3, dtype="mixed_float16")
        model.compile(scaled(joined_by_kind(), initial_scale=8.0), loss="mse", jit_compile=False)
        before = model.get_weights()
        model.train_on_batch(X, Y)
        assert all(np.any(b != a) for b, a in zip(before, model.get_weights(), strict=True))


def joined_by_kind():
    """An optimizer for kernels and one for biases."""
    return MultiOptimizer(Adam(0.1), {"bias": SGD(0.1, momentum=0.9)})


def test_frozen_layers_have_a_part_and_may_be_trained_later():
    """As with one optimizer: state from the start, a step once they are free."""
    model = network(3, frozen=(0,))
    model.compile(joined_by_kind(), loss="mse", run_eagerly=True)
    model.optimizer.build(model.variables)
    frozen = model.layers[0].get_weights()
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), frozen[0])
    model.layers[0].trainable = True
    model.compile(model.optimizer, loss="mse", run_eagerly=True)
    model.train_on_batch(X, Y)
    assert np.any(model.layers[0].kernel.numpy() != frozen[0])


def test_loops_of_ones_own_apply_pairs():
    """In any order, the way Keras's does."""
    optimizer = MultiOptimizer(SGD(1.0), {"_1": SGD(2.0)})
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.build(variables)
    optimizer.apply_gradients([(tf.ones(1), variables[1]), (tf.ones(1), variables[0])])
    optimizer.apply([tf.ones(1)] * 2)
    assert [float(v.numpy()[0]) for v in variables] == [-2.0, -4.0]
    with pytest.raises(ValueError, match=r"multi_optimizer\w* is built already, without weight_0"):
        optimizer.build(variables_of([np.zeros(1)]))


def test_the_simulation_asks_the_part_of_the_path():
    """In NumPy, without variables."""
    optimizer = MultiOptimizer(SGD(1.0), {"bias": SGD(2.0)})
    assert tfoptim.simulate(optimizer, 0.0, [1.0], "dense/kernel").tolist() == [-1.0]
    assert tfoptim.simulate(optimizer, 0.0, [1.0], "dense/bias").tolist() == [-2.0]


@pytest.mark.parametrize("keras_scales", [False, True])
def test_callbacks_set_the_rate_of_every_part_or_are_refused(keras_scales):
    """Under a loss scale, too; Keras's own shows no parts, and would set the default one alone."""
    scale = keras.optimizers.LossScaleOptimizer if keras_scales else tfoptim.LossScaleOptimizer
    model = network()
    model.compile(scale(MultiOptimizer(SGD(0.1), {"bias": SGD(0.2)})), loss="mse")
    optimizer = model.optimizer.inner_optimizer
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    if keras_scales:
        with pytest.raises(ValueError, match=r"compile with tfoptim\.LossScaleOptimizer"):
            model.fit(X, Y, epochs=1, callbacks=[halve], verbose=0)
    else:
        model.fit(X, Y, epochs=2, callbacks=[halve], verbose=0)
        knows_parts = hasattr(keras.optimizers, "MultiOptimizer")  # before, Keras's callbacks set the default's alone
        rates = [float(part.learning_rate) for part in optimizer.optimizers]
        assert rates == pytest.approx([0.025, 0.05 if knows_parts else 0.2], rel=1e-6)  # they are float32
