"""Copies of an optimizer keep its state: deepcopy, pickle, arrays, and the Keras optimizer it takes over from."""

import copy
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.products import representative, representative_where


def go_on(optimizer, variables, gradients):
    """More steps; the weights after them."""
    for gradient in gradients:
        optimizer.apply([tf.constant(g, "float32") for g in gradient], variables)
    return values_of(variables)


def trained(optimizer):
    """The optimizer and its variables after three steps."""
    variables = variables_of(start_weights())
    optimizer.build(variables)
    go_on(optimizer, variables, random_gradients(3))
    return optimizer, variables


def assert_bitwise(expected, actual):
    """Two lists of arrays are equal to the last bit."""
    for wanted, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, wanted)


@representative
def test_deepcopy_goes_on_like_the_original(case):
    """Optimizer and variables copied together train on, bit for bit, without touching the originals."""
    optimizer, variables = trained(case.make())
    before = values_of(variables)
    twin, copies = copy.deepcopy(optimizer), variables_of(before)
    assert_bitwise(values_of(optimizer.variables), values_of(twin.variables))
    memo = {id(v): w for v, w in zip(variables, copies, strict=True)}
    later = random_gradients(2, seed=9)
    actual = go_on(copy.deepcopy(optimizer, memo), copies, later)
    assert_bitwise(before, values_of(variables))
    assert_bitwise(go_on(optimizer, variables, later), actual)


@representative
def test_pickle_goes_on_like_the_original(case):
    """State waits in the pickled optimizer until it is built for its new variables."""
    optimizer, variables = trained(case.make())
    twin = pickle.loads(pickle.dumps(optimizer))  # noqa: S301  our own bytes
    copies = variables_of(values_of(variables))
    twin.build(copies)
    later = random_gradients(2, seed=9)
    assert_bitwise(go_on(optimizer, variables, later), go_on(twin, copies, later))


def test_unbuilt_optimizer_is_copied_as_configured():
    """Without state there is only the configuration to copy."""
    optimizer = tfoptim.Adam(beta_1=0.5, name="it", gradient_accumulation_steps=2)
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):  # noqa: S301  our own bytes
        assert optimizer.get_config() == twin.get_config()
        assert not twin.built


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: [*w, w[-1]]], ids=["short", "long"])
def test_set_weights_wants_every_array(change):
    """Keras accepts a short list silently; both counts are in our message."""
    optimizer, _ = trained(tfoptim.Adam())
    arrays = values_of(optimizer.variables)
    with pytest.raises(ValueError, match=rf"{len(change(arrays))} arrays for {len(arrays)} variables"):
        optimizer.set_weights(change(arrays))


@representative_where(lambda case: (case.keras_name or "").lower() == case.name.lower())
def test_training_goes_over_from_keras_with_its_state(case):
    """A Keras optimizer in the middle of training is replaced; the next steps are those it would have taken."""
    theirs, variables = trained(case.make_keras(weight_decay=0.01))
    copies = variables_of(values_of(variables))
    ours = tfoptim.from_keras(theirs)
    assert getattr(tfoptim, case.name) is type(ours)
    state = values_of(ours.variables)
    assert_bitwise(values_of(ours.state_of_keras(theirs)), state)
    again = case.make(weight_decay=0.01)
    again.build(copies)
    again.set_weights(state)
    later = random_gradients(2, seed=9)
    expected, actual = go_on(again, copies, later), go_on(ours, variables, later)
    assert_bitwise(expected, actual)


def test_exclusions_from_decay_go_over_from_keras():
    """What Keras was told to spare, by variable and by name, is spared by ours; before building and after."""
    first, second, third = variables = variables_of([np.ones(2)] * 3)
    theirs = keras.optimizers.AdamW(1.0, weight_decay=0.5)
    theirs.exclude_from_weight_decay(var_list=[first], var_names=["weight_1"])
    theirs.build(variables)
    ours = tfoptim.from_keras(theirs)
    ours.apply([tf.zeros(2)] * 3, variables)
    assert [[1.0, 1.0], [1.0, 1.0], [0.5, 0.5]] == [v.numpy().tolist() for v in (first, second, third)]


def test_loss_scaling_goes_over_from_keras():
    """The scale and its counter move over together with the inner optimizer."""
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), initial_scale=8.0)
    (weight,) = variables_of([np.ones(2)])
    theirs.build([weight])
    ours = tfoptim.from_keras(theirs)
    assert (tfoptim.LossScaleOptimizer, tfoptim.Adam) == (type(ours), type(ours.inner_optimizer))
    assert float(ours.dynamic_scale.numpy()) == 8.0


def test_ours_is_taken_over_as_it_is():
    """There is nothing to convert."""
    for optimizer in (tfoptim.SGD(), tfoptim.LossScaleOptimizer(tfoptim.SGD())):
        assert tfoptim.from_keras(optimizer) is optimizer


@pytest.mark.parametrize("foreign", [keras.optimizers.Optimizer(0.1), "adam"], ids=["the base", "a name"])
def test_what_is_no_optimizer_of_a_known_rule_is_refused(foreign):
    """The message lists the rules that can be taken over."""
    with pytest.raises(TypeError, match=rf"{type(foreign).__name__}.*adam, adamax"):
        tfoptim.from_keras(foreign)
