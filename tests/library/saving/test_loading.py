"""Loading a saved state into a new optimizer, into one that has none, and into several in one."""

import copy
import pickle  # noqa: TID251  what users do to models is done here to our own
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.saving.models import (
    X,
    Y,
    assert_bitwise,
    assert_goes_on_like,
    compiled,
    network,
    saved_weights,
    scaled,
    state,
    trained,
)

# An optimizer that is not built


@pytest.mark.parametrize("make", [tfoptim.Adam, lambda: tfoptim.SGD(momentum=0.9), tfoptim.Nadam, tfoptim.GD])
def test_weights_loaded_into_a_compiled_model_bring_the_state_of_its_optimizer(make, tmp_path):
    """The optimizer has its counter at once, and its slots when it is built."""
    model = trained(network(3), make())
    fresh = compiled(network(3), make())
    fresh.load_weights(saved_weights(model, tmp_path))
    assert int(fresh.optimizer.iterations) == 2
    assert_goes_on_like(model, fresh)


def test_best_weights_of_a_checkpoint_callback_go_into_a_fresh_model(tmp_path):
    """`ModelCheckpoint(save_weights_only=True)` writes them; `fit` goes on from there."""
    path = tmp_path / "best.weights.h5"
    model = compiled(network(3), tfoptim.Adam())
    keep = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[keep])
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(path)
    for m in (model, fresh):
        m.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert_bitwise(model.get_weights(), fresh.get_weights())


def test_state_that_waits_survives_saving_copying_and_pickling(tmp_path):
    """Nothing is lost on the way from file to file, whether or not a step is taken in between."""
    model = trained(network(3), tfoptim.Adam())
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(saved_weights(model, tmp_path))
    again = compiled(network(3), tfoptim.Adam())
    again.load_weights(saved_weights(fresh, tmp_path))
    for optimizer in (
        again.optimizer,
        copy.deepcopy(fresh.optimizer),
        pickle.loads(pickle.dumps(fresh.optimizer)),  # noqa: S301  our own bytes
    ):
        optimizer.build(model.trainable_variables)
        assert_bitwise(state(model.optimizer), state(optimizer))


def test_learning_rate_assigned_before_building_is_kept(tmp_path):
    """What the user sets after loading is not overwritten when the rest of the state is taken, and is saved."""
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(saved_weights(trained(network(3), tfoptim.Adam()), tmp_path))
    fresh.optimizer.learning_rate = 0.5
    third = compiled(network(3), tfoptim.Adam())
    third.load_weights(saved_weights(fresh, tmp_path))
    fresh.train_on_batch(X, Y)
    assert float(fresh.optimizer.learning_rate) == float(third.optimizer.learning_rate) == 0.5


def test_a_model_that_was_never_trained_brings_its_learning_rate_and_nothing_else(tmp_path):
    """There is no state to wait, and nothing to warn of."""
    path = saved_weights(compiled(network(3), tfoptim.Adam(0.25)), tmp_path)
    fresh = compiled(network(3), tfoptim.Adam())
    fresh.load_weights(path)
    fresh.train_on_batch(X, Y)
    assert (float(fresh.optimizer.learning_rate), int(fresh.optimizer.iterations)) == (0.25, 1)


def test_pickled_optimizer_tells_its_iterations_at_once():
    """The counter does not wait for `build`."""
    model = trained(network(3), tfoptim.Adam(), steps=3)
    assert int(pickle.loads(pickle.dumps(model.optimizer)).iterations) == 3  # noqa: S301  our own bytes


def test_the_first_step_of_a_compiled_loop_takes_what_waits(tmp_path):
    """`build` happens while TensorFlow traces; the state must not become part of the trace."""
    model = trained(network(3), tfoptim.Adam())
    fresh = network(3)
    fresh.compile(tfoptim.Adam(), "mse", jit_compile=False)
    fresh.load_weights(saved_weights(model, tmp_path))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((fresh(X) - Y) ** 2)
        fresh.optimizer.apply(tape.gradient(loss, fresh.trainable_variables), fresh.trainable_variables)

    step()
    model.train_on_batch(X, Y)
    for wanted, got in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)  # another graph rounds otherwise


# No state


def test_weights_of_a_model_that_was_not_compiled_leave_the_optimizer_as_it_is(tmp_path):
    """Pretrained weights say nothing of an optimizer, and there is nothing to warn of."""
    path = saved_weights(network(3), tmp_path)
    for model in (
        compiled(network(3), tfoptim.Adam()),
        trained(network(3), tfoptim.Adam()),
        trained(network(3), scaled()),
    ):
        before = state(model.optimizer)
        model.load_weights(path)
        assert_bitwise(before, state(model.optimizer))


# Several optimizers in one

needs_multi = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason="Keras has had no MultiOptimizer before 3.15"
)


@needs_multi
def test_parts_of_a_multi_optimizer_train_and_are_saved_and_loaded(tmp_path):
    """Keras's `MultiOptimizer` with ours inside; the file is loaded in `load_model` and into a fresh model."""

    def several():
        parts = {".*dense_a.*": tfoptim.SGD(0.1, momentum=0.9), ".*dense_b.*": tfoptim.Adam(0.1)}
        return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(tfoptim.AdamW(), parts))

    def three():
        keras.utils.set_random_seed(0)
        names = ("dense_a", "dense_b", "dense_c")
        return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(1, name=name) for name in names)])

    model = trained(three(), several())
    model.save(tmp_path / "several.keras")
    loaded = keras.models.load_model(tmp_path / "several.keras")
    for mine, theirs in zip(loaded.optimizer.optimizers, model.optimizer.optimizers, strict=True):
        assert type(mine) is type(theirs)
        assert_bitwise(state(theirs), state(mine))
    loaded.run_eagerly = True
    assert_goes_on_like(model, loaded)


@needs_multi
def test_parts_of_a_multi_optimizer_whose_patterns_fit_other_paths_are_loaded_with_a_warning(tmp_path):
    """Keras takes a model's name off the paths when it loads; a pattern may then give a layer to another part."""
    parts = {"dense_a/.*": tfoptim.SGD(0.1, momentum=0.9)}
    several = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(tfoptim.Adam(), parts))
    layers = [keras.layers.Dense(1, name=name) for name in ("dense_a", "dense_b")]
    model = trained(keras.Sequential([keras.Input((4,)), *layers]), several)
    model.save(tmp_path / "several.keras")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        loaded = keras.models.load_model(tmp_path / "several.keras")
    assert any("Taken for 2; not used: sequential" in str(warning.message) for warning in seen)
    loaded.train_on_batch(X, Y)
