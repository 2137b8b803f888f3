"""MultiOptimizer in copies, configs, saved models and checkpoints: one state, each part's by its name."""

import copy
import json
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.interrupted import train as interrupted
from tests.library.resume.programs import FAST, assert_equal
from tests.library.saving.models import (
    X,
    Y,
    assert_bitwise,
    assert_goes_on_like,
    compiled,
    network,
    saved_weights,
    slots,
    state,
    trained,
)
from tfoptim import SGD, Adam, Lookahead, Momentum, MultiOptimizer, Nadam, ScheduleFreeSGD
from tfoptim.resume import snapshot


def joined(**arguments):
    """Two parts with state, one of them with state of its own that all its variables share."""
    return MultiOptimizer(Nadam(0.1), {"bias": Momentum(0.1)}, **arguments)


WHOLE = {"use_ema": True, "gradient_accumulation_steps": 2, "global_clipnorm": 1.0}


@pytest.mark.parametrize("arguments", [{}, WHOLE], ids=["plain", "sums and averages"])
def test_a_saved_model_goes_on_to_the_last_bit(arguments, tmp_path):
    """All of the state is loaded, as Keras's own class does not; in the middle of a cycle as well."""
    model = trained(network(3), joined(**arguments), steps=3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [type(part) for part in loaded.optimizer.optimizers] == [Nadam, Momentum]
    assert_bitwise(state(model.optimizer), state(loaded.optimizer))
    assert_goes_on_like(model, loaded)


def test_a_file_has_each_part_by_its_pattern():
    """With a name that has no dot, whatever the expression; and each variable once."""
    optimizer = MultiOptimizer(SGD(name="a"), {r"b.*/\d$": SGD(name="b")}, name="m")
    store = {}
    optimizer.save_own_variables(store)
    assert [*store] == [
        "0.m.iteration",
        "1.part.default.a.iteration",
        "2.part.default.a.learning_rate",
        "3.part.[b%2E%2A%2F%5Cd%24].b.iteration",
        "4.part.[b%2E%2A%2F%5Cd%24].b.learning_rate",
    ]


def clones(optimizer):
    """What comes back from a config, from Keras, from the registry, a copy and a pickle."""
    return [
        MultiOptimizer.from_config(json.loads(json.dumps(optimizer.get_config()))),
        keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)),
        tfoptim.get(keras.optimizers.serialize(optimizer)),
        copy.deepcopy(optimizer),
        pickle.loads(pickle.dumps(optimizer)),  # noqa: S301  our own bytes
    ]


def test_copies_have_the_parts_with_their_present_numbers():
    """Of a wrapper too; and none is shared."""
    falling = tfoptim.schedules.Cyclic(0.5, 1.0, 4)
    optimizer = MultiOptimizer(Adam(falling), {"bias": Lookahead(SGD(0.5))}, use_ema=True, ema_momentum=falling)
    optimizer.optimizers[1].learning_rate = 0.25
    for twin in clones(optimizer):
        assert twin.get_config() == optimizer.get_config()
        assert twin.optimizers[1] is not optimizer.optimizers[1]
        assert len(twin.schedules()) == 3  # of the whole, of its average, of one part


def test_copies_of_one_in_training_go_on_as_it_does():
    """For the same variables, with everything that it has."""
    model = trained(network(3), joined(**WHOLE), steps=3)
    for twin in (copy.deepcopy(model.optimizer), pickle.loads(pickle.dumps(model.optimizer))):  # noqa: S301
        twin.build(model.trainable_variables)
        assert_bitwise(state(model.optimizer), state(twin))


def test_a_state_waits_until_the_optimizer_is_built(tmp_path):
    """And is not lost in a copy made before."""
    model = trained(network(3), joined())
    fresh = compiled(network(3), joined())
    fresh.load_weights(saved_weights(model, tmp_path))
    twin = copy.deepcopy(fresh.optimizer)
    for optimizer in (fresh.optimizer, twin):
        assert [int(part.iterations) for part in (optimizer, *optimizer.optimizers)] == [2, 2, 2]
        optimizer.build(fresh.trainable_variables)
        assert_bitwise(state(model.optimizer), state(optimizer))


def test_a_loss_scale_has_the_whole_in_its_file(tmp_path):
    """The scale first, then the step's own state, then the parts."""

    def scaled():
        return tfoptim.LossScaleOptimizer(joined(), initial_scale=8.0)

    model = trained(network(3), scaled())
    fresh = compiled(network(3), scaled())
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(saved_weights(model, tmp_path))
    assert_bitwise(state(model.optimizer.inner_optimizer), state(fresh.optimizer.inner_optimizer))


def test_other_parts_keep_what_they_have(tmp_path):
    """A pattern that the file lacks and one that only the file has are named; the others are taken."""
    model = trained(network(3), MultiOptimizer(Adam(0.1), {"bias": Momentum(0.1)}))
    fresh = compiled(network(3), MultiOptimizer(Adam(0.1), {"bias$": SGD(0.1, momentum=0.5)}))
    fresh.optimizer.build(fresh.trainable_variables)
    with pytest.warns(UserWarning, match=r"other parts. Not used: \[bias\]; not in the file: \[bias%24\]"):
        fresh.load_weights(saved_weights(model, tmp_path))
    kernel = fresh.layers[0]
    assert np.any(slots(fresh, "m", kernel))
    np.testing.assert_array_equal(slots(fresh, "m", kernel), slots(model, "m", model.layers[0]))
    assert [int(part.iterations) for part in fresh.optimizer.optimizers] == [2, 0]


def test_a_part_that_the_file_lacks_starts_from_the_weights_of_the_file(tmp_path):
    """It was built for others."""
    model = trained(network(3), MultiOptimizer(Adam(0.1), {"bias": Momentum(0.1)}))
    fresh = compiled(network(3), MultiOptimizer(Adam(0.1), {"bias$": ScheduleFreeSGD(0.1)}))
    fresh.optimizer.build(fresh.trainable_variables)
    with pytest.warns(UserWarning, match="other parts"):
        fresh.load_weights(saved_weights(model, tmp_path))
    bias = fresh.layers[-1].bias.numpy()
    assert np.any(bias)
    (found,) = [
        v for v in fresh.optimizer.optimizers[1].variables if v.name.endswith(f"{fresh.layers[-1].name}_bias_z")
    ]
    np.testing.assert_array_equal(found, bias)


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (joined, lambda: MultiOptimizer(Nadam(0.1), {"bias": Adam(0.1)})),
        (joined, lambda: Adam(0.1)),
        (lambda: Adam(0.1), joined),
    ],
    ids=["another part", "a rule alone", "into parts"],
)
def test_a_file_of_another_rule_is_refused(make, other, tmp_path):
    """Before anything is changed."""
    model, fresh = trained(network(3), make()), trained(network(3), other(), steps=1)
    before = state(fresh.optimizer)
    with pytest.raises(ValueError, match="the saved state is of another optimizer"):
        fresh.load_weights(saved_weights(model, tmp_path))
    assert_bitwise(before, state(fresh.optimizer))


def in_parts():
    """What is interrupted."""
    return MultiOptimizer(
        Lookahead(Adam(0.05), 2), {"bias": Momentum(0.05)}, gradient_accumulation_steps=2, use_ema=True
    )


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_last_bit(tmp_path):
    """In the middle of a cycle, of sums and of an epoch."""
    expected = interrupted(tmp_path / "whole", make=in_parts, **FAST)
    interrupted(tmp_path / "parts", 5, make=in_parts, **FAST)
    assert_equal(expected, interrupted(tmp_path / "parts", make=in_parts, seed=1, **FAST))


@pytest.mark.parametrize("scaled", [False, True])
def test_a_checkpoint_has_the_whole_state_and_the_numbers(scaled):
    """Of every part, behind a loss scale too: both go on alike."""

    def make():
        return tfoptim.LossScaleOptimizer(in_parts(), initial_scale=8.0) if scaled else in_parts()

    model, fresh = trained(network(3), make(), steps=3), compiled(network(3), make())
    parts = getattr(model.optimizer, "inner_optimizer", model.optimizer).optimizers
    parts[1].momentum = 0.5
    arrays, content = snapshot.capture(model, [])
    fresh.optimizer.build(fresh.trainable_variables)
    snapshot.restore(fresh, arrays, json.loads(json.dumps(content)), metrics=False)
    again = getattr(fresh.optimizer, "inner_optimizer", fresh.optimizer).optimizers
    assert again[1].momentum == 0.5
    for _ in range(2):
        for one in (model, fresh):
            one.train_on_batch(X, Y)
    assert_bitwise(state(model.optimizer), state(fresh.optimizer))


def test_checkpoints_of_tensorflow_have_the_parts(tmp_path):
    """`tf.train.Checkpoint` writes and restores each variable."""
    model, fresh = trained(network(3), joined()), trained(network(3), joined(), steps=1)
    path = tf.train.Checkpoint(optimizer=model.optimizer).write(str(tmp_path / "state"))
    tf.train.Checkpoint(optimizer=fresh.optimizer).read(path).assert_consumed()
    assert_bitwise(state(model.optimizer), state(fresh.optimizer))


def test_all_variables_can_be_set_at_once():
    """In the order of `variables`: the step's own, then part after part."""
    model, fresh = trained(network(3), joined(**WHOLE)), trained(network(3), joined(**WHOLE), steps=1)
    fresh.optimizer.set_weights(state(model.optimizer))
    assert_bitwise(state(model.optimizer), state(fresh.optimizer))
