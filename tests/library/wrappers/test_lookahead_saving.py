"""Lookahead in copies, configs, saved models and checkpoints, and its rule's own files."""

import copy
import json
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.interrupted import train as interrupted
from tests.library.resume.programs import FAST, assert_equal
from tests.library.saving.models import X, Y, assert_bitwise, compiled, network, saved_weights, slots, trained
from tfoptim import SGD, Adam, Lookahead
from tfoptim.resume import snapshot

GRADIENTS = [0.1, -0.2, 0.3]


class Noting(Lookahead):
    """A user's subclass with an argument and a call of its own."""

    note: bool = False
    calls = 0

    def apply(self, grads, trainable_variables=None):
        """Counts."""
        self.__dict__["calls"] = self.calls + 1
        super().apply(grads, trainable_variables)


class Ranger(Lookahead):
    """A user's subclass that chooses its rule."""

    def __init__(self, rate):
        """Takes a rate alone."""
        super().__init__(Adam(rate))


# Copies


def clones(optimizer):
    """What comes back from a config, from Keras, from the registry, a copy and a pickle."""
    return [
        type(optimizer).from_config(json.loads(json.dumps(optimizer.get_config()))),
        keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)),
        tfoptim.get(keras.optimizers.serialize(optimizer)),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),  # noqa: S301  our own bytes
    ]


def test_copies_have_the_rule_with_its_present_numbers():
    """And its exclusions, schedules and groups; the wrapped optimizer is one of their own."""
    groups = {"weight": {"learning_rate": tfoptim.schedules.Cyclic(0.5, 1.0, 4)}}
    optimizer = Lookahead(Adam(0.5, groups=groups, weight_decay=0.1), 3, tfoptim.schedules.Cyclic(0.25, 0.5, 4))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.beta_1 = 0.5
    optimizer.learning_rate = 0.25
    for twin in clones(optimizer):
        assert twin.get_config() == optimizer.get_config()
        assert twin.inner is not optimizer.inner
        assert repr(twin) == repr(optimizer)
    assert repr(optimizer).startswith("Lookahead(Adam(learning_rate=0.25, beta_1=0.5, weight_decay=0.1, groups={")
    assert repr(Lookahead(SGD(), 3, name="it")) == "Lookahead(SGD(), sync_period=3, name='it')"
    assert "not made yet" in repr(Lookahead.__new__(Lookahead))


def test_copies_of_one_in_training_go_on_as_it_does():
    """In the middle of a cycle, with slots and slow weights."""
    optimizer, gradients = Lookahead(Adam(0.5), 3), random_gradients(6)
    variables = variables_of(start_weights())
    for step in gradients[:4]:
        optimizer.apply([tf.constant(g, "float32") for g in step], variables)
    twins = [copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]  # noqa: S301
    before, ends = values_of(variables), []
    for one in (optimizer, *twins):
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        for step in gradients[4:]:
            one.apply([tf.constant(g, "float32") for g in step], variables)
        ends.append(values_of(variables))
    assert_bitwise(ends[0], ends[1])
    assert_bitwise(ends[0], ends[2])


def test_a_subclass_keeps_its_arguments_and_its_calls():
    """Its constructor takes an optimizer, and what it declares."""
    optimizer = Noting(SGD(1.0), sync_period=2, note=True)
    assert (optimizer.note, optimizer.get_config()["note"]) == (True, True)
    again = Noting.from_config(optimizer.get_config())
    again.apply([tf.ones(1)], variables_of([np.zeros(1)]))
    assert (again.calls, again.note, again.sync_period) == (1, True, 2)
    assert repr(Ranger(0.5)) == "Ranger(Adam(learning_rate=0.5))"
    assert {"beta_1", "slow_step_size"} <= {*dir(Lookahead(Adam()))}


# Files


@pytest.mark.parametrize("sync_period", [2, 3])
def test_a_saved_model_goes_on_to_the_last_bit(sync_period, tmp_path):
    """From two steps, at a synchronisation or in the middle of a cycle, to four."""
    model = trained(network(3), Lookahead(Adam(0.1), sync_period))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer.inner, Adam)
    for _ in range(2):
        for one in (model, loaded):
            one.train_on_batch(X, Y)
    assert_bitwise(values_of(model.optimizer.variables), values_of(loaded.optimizer.variables))
    assert_bitwise(model.get_weights(), loaded.get_weights())


def in_parts():
    """What is interrupted: it collects gradients, averages weights, and synchronises."""
    return Lookahead(Adam(0.05, gradient_accumulation_steps=2, use_ema=True), sync_period=2)


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_last_bit(tmp_path):
    """In the middle of a cycle, of sums and of an epoch."""
    expected = interrupted(tmp_path / "whole", make=in_parts, **FAST)
    interrupted(tmp_path / "parts", 5, make=in_parts, **FAST)
    assert_equal(expected, interrupted(tmp_path / "parts", make=in_parts, seed=1, **FAST))


def test_a_checkpoint_has_the_whole_state_and_the_numbers():
    """Taken in the middle of a cycle, and put into a model that knows nothing of it: both go on alike."""
    model, fresh = trained(network(3), in_parts(), steps=3), compiled(network(3), in_parts())
    model.optimizer.beta_1 = 0.5
    arrays, content = snapshot.capture(model, [])
    fresh.optimizer.build(fresh.trainable_variables)
    snapshot.restore(fresh, arrays, json.loads(json.dumps(content)), metrics=False)
    assert fresh.optimizer.inner.beta_1 == 0.5
    for _ in range(2):
        for one in (model, fresh):
            one.train_on_batch(X, Y)
    assert_bitwise(values_of(model.optimizer.variables), values_of(fresh.optimizer.variables))


@pytest.mark.parametrize("of_keras", [False, True])
def test_a_training_of_the_rule_alone_is_taken_over(of_keras, tmp_path):
    """Slots and counters are the file's, slow weights start from the weights; a file of Keras's has positions."""
    model = trained(network(3), (keras.optimizers.Adam if of_keras else Adam)(0.5))
    fresh = compiled(network(3), Lookahead(Adam(0.5), sync_period=3))
    fresh.optimizer.build(fresh.trainable_variables)
    with pytest.warns(UserWarning, match="not in the file: .*kernel_slow"):
        fresh.load_weights(saved_weights(model, tmp_path))
    assert int(fresh.optimizer.iterations) == 2
    kernel = fresh.layers[0]
    np.testing.assert_array_equal(slots(fresh, "slow", kernel), kernel.kernel.numpy())
    np.testing.assert_array_equal(slots(fresh, "m", kernel), model.optimizer.variables[2].numpy())


def test_the_rule_alone_goes_on_from_a_file_of_the_whole(tmp_path):
    """Its slots are taken, and the slow weights named as not used."""
    model = trained(network(3), Lookahead(Adam(0.5)))
    fresh = compiled(network(3), Adam(0.5))
    fresh.load_weights(saved_weights(model, tmp_path))
    with pytest.warns(UserWarning, match="not used: .*slow"):
        fresh.optimizer.build(fresh.trainable_variables)
    np.testing.assert_array_equal(slots(fresh, "v", fresh.layers[0]), slots(model, "v", model.layers[0]))


@pytest.mark.parametrize("name", [None, "it"])
def test_a_file_of_another_rule_is_refused(name, tmp_path):
    """By its name, or by its slots where the name says nothing; the optimizer keeps its own state."""
    model = trained(network(3), Lookahead(tfoptim.Momentum(0.5), name=name))
    fresh = compiled(network(3), Lookahead(Adam(0.5), name=name and "other"))
    with pytest.raises(ValueError, match="the saved state is of another optimizer"):
        fresh.load_weights(saved_weights(model, tmp_path))
    assert int(fresh.optimizer.iterations) == 0
