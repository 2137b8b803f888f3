"""Optimizers are written to configurations, `.keras` files and checkpoints, and go on unchanged."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, stepper, values_of, variables_of
from tests.library.products import every_class, every_class_where, every_rule, representative

BASE = {
    "weight_decay": 0.05,
    "global_clipnorm": 0.7,
    "use_ema": True,
    "ema_momentum": 0.9,
    "ema_overwrite_frequency": 7,
    "loss_scale_factor": 2.0,
    "gradient_accumulation_steps": 2,
    "name": "mine",
}


@every_rule
def test_config_survives_two_trips_through_json(case):
    """What `get_config` says is JSON, builds the same optimizer, and says the same again."""
    config = case.make(learning_rate=0.001, **BASE).get_config()
    first = getattr(tfoptim, case.name).from_config(json.loads(json.dumps(config)))
    second = type(first).from_config(json.loads(json.dumps(first.get_config())))
    assert config == first.get_config()
    assert config == second.get_config()
    rate = {"learning_rate": 0.001} if case.has_rate else {}
    assert {**BASE, **rate}.items() <= config.items()


@every_class
def test_config_of_keras_builds_our_class(case):
    """A configuration written by Keras's class is one of ours."""
    if (case.keras_name or "").lower() != case.name.lower():
        pytest.skip("Keras has no class of this name")
    config = case.make_keras(clipnorm=0.5).get_config()
    ours = getattr(tfoptim, case.name).from_config(dict(config))
    assert config.items() <= {**ours.get_config(), "learning_rate": config["learning_rate"]}.items()


@every_class_where(lambda case: case.schedulable)
def test_from_config_does_not_change_what_it_was_given(case):
    """The caller's dictionary is still good for a second optimizer."""
    config = case.make(learning_rate=keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)).get_config()
    before = json.dumps(config)
    getattr(tfoptim, case.name).from_config(config)
    assert before == json.dumps(config)


def test_from_config_of_a_loss_scale_does_not_change_what_it_was_given():
    """Keras takes the inner optimizer out of the dictionary, so that a second one cannot be made from it."""
    config = tfoptim.LossScaleOptimizer(tfoptim.Adam(), initial_scale=8.0).get_config()
    first, second = (tfoptim.LossScaleOptimizer.from_config(config) for _ in range(2))
    assert first.get_config() == second.get_config() == config


@every_class_where(lambda case: case.schedulable)
def test_schedules_survive_the_trip(case):
    """A schedule as learning rate is saved with its own arguments."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    config = json.loads(json.dumps(case.make(learning_rate=schedule).get_config()))
    again = getattr(tfoptim, case.name).from_config(config).get_config()["learning_rate"]
    assert schedule.get_config() == again["config"]


def test_a_schedule_on_another_field_survives_the_trip():
    """Any field may be scheduled, so any field is saved as a schedule."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.9])
    config = json.loads(json.dumps(tfoptim.SGD(0.1, momentum=schedule).get_config()))
    again = tfoptim.SGD.from_config(config)
    assert isinstance(again.momentum, keras.optimizers.schedules.PiecewiseConstantDecay)
    assert config == again.get_config()


@every_class
def test_serialized_optimizer_comes_back_without_custom_objects(case):
    """Keras's own serialization knows the class under `tfoptim>`."""
    saved = json.loads(json.dumps(keras.optimizers.serialize(case.make())))
    assert saved["registered_name"] == f"tfoptim>{case.name}"
    again = keras.optimizers.deserialize(saved)
    assert (type(again), again.get_config()) == (type(case.make()), case.make(name=again.name).get_config())


def trained(case, gradients, **arguments):
    """An optimizer and its variables after these steps."""
    variables = variables_of(start_weights())
    optimizer = case.make(**arguments)
    optimizer.build(variables)
    go_on(optimizer, variables, gradients)
    return optimizer, variables


def go_on(optimizer, variables, gradients):
    """More steps; the weights after them."""
    step = stepper(optimizer, variables, "eager")
    for gradient in gradients:
        step([tf.constant(g, "float32") for g in gradient])
    return values_of(variables)


def assert_bitwise(expected, actual):
    """Two lists of arrays are equal to the last bit."""
    for wanted, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, wanted)


@representative
def test_checkpoint_goes_on_bitwise(case, tmp_path):
    """`tf.train.Checkpoint` holds everything, in the middle of an accumulation cycle too."""
    arguments = {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2}
    gradients = random_gradients(6)
    optimizer, variables = trained(case, gradients[:3], **arguments)
    path = tf.train.Checkpoint(optimizer=optimizer, weights=variables).write(tmp_path / "at_3")
    expected = go_on(optimizer, variables, gradients[3:])
    fresh, others = trained(case, [], **arguments)
    checkpoint = tf.train.Checkpoint(optimizer=fresh, weights=others)
    checkpoint.read(path).assert_consumed()
    assert_bitwise(expected, go_on(fresh, others, gradients[3:]))


@representative
def test_state_is_saved_by_name(case):
    """The order in a store does not matter, because each array has its variable's name."""
    gradients = random_gradients(4)
    optimizer, variables = trained(case, gradients[:2])
    store = {}
    optimizer.save_own_variables(store)
    saved = values_of(variables)
    expected = go_on(optimizer, variables, gradients[2:])
    fresh, others = trained(case, [])
    for variable, value in zip(others, saved, strict=True):
        variable.assign(value)
    fresh.load_own_variables(dict(reversed(store.items())))
    assert_bitwise(expected, go_on(fresh, others, gradients[2:]))


def test_state_of_another_optimizer_is_refused():
    """Loading Adam's state into SGD raises and says what differs, where Keras only warns."""
    (weight,) = variables_of([np.ones(2)])
    adam, sgd = tfoptim.Adam(), tfoptim.SGD()
    for optimizer in (adam, sgd):
        optimizer.build([weight])
    store = {}
    adam.save_own_variables(store)
    with pytest.raises(ValueError, match=r"SGD|sgd"):
        sgd.load_own_variables(store)
