"""Variables that are not trainable, in loops that hand over all of a model's variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import MODES, values_of

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
MISSING = pytest.mark.filterwarnings("ignore:Gradients do not exist")


def network():
    """A model with moving statistics and the state of a random generator beside its six weights."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    hidden = [layers.Dense(3), layers.BatchNormalization(), layers.Dropout(0.2, seed=1)]
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(1)])


def gradients(model, variables):
    """Of the mean square error in training; None where nothing trainable was read."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(X, training=True) - X[:, :1]) ** 2)
    return tape.gradient(loss, [v.value for v in variables])


def trained(optimizer, select, mode="eager", steps=3):
    """The weights after steps on the variables that `select` takes from the model."""
    model = network()

    def step():
        optimizer.apply_gradients(zip(gradients(model, select(model)), select(model), strict=True))

    step = tf.function(step) if mode == "graph" else step
    for _ in range(steps):
        step()
    return values_of(model.trainable_variables)


@pytest.mark.parametrize("mode", MODES)
def test_all_variables_of_a_model_train_like_the_trainable_ones(mode):
    """Statistics of BatchNorm and the seed of Dropout have no gradient: Keras's warning, and the same weights."""
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables.*moving_mean.*moving_variance.*seed"):
        found = trained(tfoptim.Momentum(0.1), lambda model: model.variables, mode)
    for expected, weights in zip(trained(tfoptim.Momentum(0.1), lambda m: m.trainable_variables), found, strict=True):
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-5)  # a graph rounds otherwise


@MISSING
@pytest.mark.parametrize(
    "arguments",
    [{"gradient_accumulation_steps": 2}, {"use_ema": True, "ema_overwrite_frequency": 2}, {"weight_decay": 0.1}],
)
def test_all_variables_of_a_model_train_with_every_kind_of_state(arguments):
    """Whole numbers have neither sum nor average nor slot; the others keep Keras's."""
    model, optimizer = network(), tfoptim.RMSprop(0.01, centered=True, **arguments)
    optimizer.build(model.variables)
    for _ in range(4):
        optimizer.apply(gradients(model, model.variables))
    optimizer.finalize_variable_values(model.variables)
    assert not [v.path for v in optimizer.variables if "seed" in v.path]
    assert [v.path for v in optimizer.variables if "moving_mean" in v.path]
    assert all(np.all(np.isfinite(v)) for v in values_of(optimizer.variables))


def test_strangers_without_gradient_are_dropped_by_a_built_optimizer():
    """Built by `fit` for the trainable variables; a loop then hands over all."""
    model, optimizer = network(), tfoptim.SGD(0.1)
    optimizer.build(model.trainable_variables)
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables.*moving_mean"):
        optimizer.apply(gradients(model, model.variables), model.variables)
    assert int(optimizer.iterations) == 1
    with pytest.raises(ValueError, match=r"No gradients provided for any variable.*moving_mean"):
        optimizer.apply([None] * 3, model.non_trainable_variables)


@MISSING
def test_a_layer_that_is_unfrozen_is_trained():
    """Its variables were handed over while it was frozen, so they have their state, as in Keras."""
    model, optimizer = network(), tfoptim.Adam(0.1)
    model.layers[0].trainable = False
    for _ in range(2):
        found = gradients(model, model.variables)
        kept = [g if v.trainable else None for g, v in zip(found, model.variables, strict=True)]
        optimizer.apply(kept, model.variables)
    before = model.layers[0].kernel.numpy().copy()
    model.layers[0].trainable = True
    optimizer.apply(gradients(model, model.variables), model.variables)
    assert np.all(before != model.layers[0].kernel.numpy())


def test_a_layer_that_is_frozen_later_is_left_alone():
    """A step on what is still trainable changes nothing else, and says nothing."""
    model, optimizer = network(), tfoptim.Adam(0.1, weight_decay=0.1)
    optimizer.apply(gradients(model, model.trainable_variables), model.trainable_variables)
    model.layers[0].trainable = False
    before = model.layers[0].kernel.numpy().copy()
    optimizer.apply(gradients(model, model.trainable_variables), model.trainable_variables)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), before)


def test_a_stranger_that_is_trainable_is_refused_with_the_way_out():
    """A layer that was unfrozen behind the optimizer's back has no state."""
    model, optimizer = network(), tfoptim.Adam(0.1)
    model.layers[0].trainable = False
    optimizer.apply(gradients(model, model.trainable_variables), model.trainable_variables)
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match=r"Unknown variable: .*kernel.*give all of them to `build`"):
        optimizer.apply(gradients(model, model.trainable_variables), model.trainable_variables)


def test_a_gradient_for_a_frozen_variable_is_applied():
    """Whoever hands one over means it, as in Keras."""
    frozen = keras.Variable([1.0], trainable=False)
    tfoptim.SGD(0.5).apply([tf.ones(1)], [frozen])
    assert frozen.numpy().tolist() == [0.5]


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_a_gradient_for_whole_numbers_is_refused(dtype):
    """They are known, but nothing can train them."""
    whole, weight = keras.Variable([1], dtype=dtype, trainable=False, name="whole"), keras.Variable([1.0])
    with pytest.raises(TypeError, match=f"whole must be a float variable to be trained, got dtype {dtype}"):
        tfoptim.SGD().apply([tf.ones(1), tf.ones(1)], [whole, weight])
    assert weight.numpy().tolist() == [1.0]
