"""Copies of an optimizer keep its state: deepcopy, pickle and arrays."""

import copy
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.products import representative


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
