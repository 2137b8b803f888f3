"""Dynamic loss scaling: grows after finite steps, halves and skips after one that is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import MODES, stepper, values_of, variables_of


def scaled(**arguments):
    """A scaled gradient descent and its variable of two ones."""
    variables = variables_of([np.ones(2)])
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.GD(1.0), **arguments)
    return optimizer, variables


@pytest.mark.parametrize("mode", MODES)
def test_scale_doubles_after_finite_steps_and_halves_after_one_that_is_not(mode):
    """Two finite steps double 4 to 8; a NaN halves it and leaves weights and inner counter alone."""
    optimizer, variables = scaled(initial_scale=4.0, dynamic_growth_steps=2)
    optimizer.build(variables)
    step = stepper(optimizer, variables, mode)
    scales = []
    for gradient in ([4.0, 4.0], [4.0, 0.0], [np.nan, 8.0], [4.0, 4.0]):
        step([tf.constant(gradient)])
        scales.append(float(optimizer.dynamic_scale.numpy()))
    assert [4.0, 8.0, 4.0, 4.0] == scales
    assert [-2.0, -1.0] == values_of(variables)[0].tolist()
    assert int(optimizer.inner_optimizer.iterations.numpy()) == 3


def test_it_is_built_by_its_first_step():
    """The first call makes the state; an empty one does nothing."""
    optimizer, variables = scaled(initial_scale=2.0)
    optimizer.apply([], [])
    assert not optimizer.built
    optimizer.apply([tf.constant([2.0, 4.0])], variables)
    assert [0.0, -1.0] == values_of(variables)[0].tolist()


def test_its_first_step_needs_the_variables():
    """Without them it says what to do, as the optimizers do."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.SGD())
    with pytest.raises(ValueError, match="not built: pass the variables to `apply`"):
        optimizer.apply([tf.constant(1.0)])


def test_it_takes_only_our_optimizers():
    """A Keras optimizer inside would look at one replica again; the message names the converter."""
    with pytest.raises(TypeError, match="from_keras"):
        tfoptim.LossScaleOptimizer(keras.optimizers.SGD())


def test_it_survives_the_trip_through_its_configuration():
    """Inner optimizer, scale and growth are saved."""
    optimizer, _ = scaled(initial_scale=16.0, dynamic_growth_steps=5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert (tfoptim.LossScaleOptimizer, tfoptim.GD) == (type(again), type(again.inner_optimizer))
    assert optimizer.get_config() == again.get_config()


def test_mixed_precision_policy_recognises_it():
    """`compile` under mixed_float16 does not wrap it a second time."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, dtype="mixed_float16")])
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.Adam())
    model.compile(optimizer, loss="mse", auto_scale_loss=True)
    assert model.optimizer is optimizer
