"""What a tensor cannot set, or may not, is refused when the function is traced or when it runs; never ignored."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.functions import assign, setting


def test_a_number_out_of_its_range_fails_when_the_function_runs():
    """The sentence is that of the constructor; nothing was changed."""
    weight, optimizer = keras.Variable([1.0]), tfoptim.Adam()
    apply = setting(optimizer, "beta_1", weight)
    apply(tf.constant(0.5, tf.float64), tf.constant([1.0]))
    before = weight.numpy()
    for wrong in (1.0, -0.1, np.nan):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Adam: beta_1 must satisfy 0 <= x < 1, got"):
            apply(tf.constant(wrong, tf.float64), tf.constant([1.0]))
    assert (optimizer.beta_1, weight.numpy()) == (0.5, before)
    positive = setting(tfoptim.Adam(clipnorm=1.0), "clipnorm", keras.Variable([1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Adam: clipnorm must satisfy x > 0, got"):
        positive(tf.constant(0.0), tf.constant([1.0]))


def test_a_constant_out_of_its_range_is_refused_while_the_function_is_traced():
    """What is known is checked at once."""
    optimizer = tfoptim.Adam()
    for wrong in (1.5, tf.constant(1.5), np.float32(1.5)):
        with pytest.raises(ValueError, match=r"Adam: beta_1 must satisfy 0 <= x < 1, got 1\.5"):
            tf.function(functools.partial(assign, optimizer, {"beta_1": wrong}))()
    assert optimizer.beta_1 == 0.9


@pytest.mark.parametrize(
    ("make", "name", "number", "words"),
    [
        (tfoptim.Adam, "weight_decay", 0.5, r"weight_decay is switched off \(None\).*give a number when"),
        (lambda: tfoptim.Momentum(0.1, momentum=0.0), "momentum", 0.5, "momentum=0.0 needs no slot.*other than 0.0"),
        (tfoptim.AdaGrad, "initial_accumulator_value", 0.5, "is read when the optimizer is built"),
        (lambda: tfoptim.Momentum(0.1, tfoptim.schedules.Cyclic(0.8, 0.9, 4)), "momentum", 0.5, "is a schedule"),
        (lambda: tfoptim.GD(tfoptim.schedules.Cyclic(0.8, 0.9, 4)), "learning_rate", 0.5, "is a schedule"),
        (tfoptim.Adam, "beta_1", [0.5], r"must be a scalar, got shape \(1,\)"),
        (tfoptim.Adam, "beta_1", True, "must be a number.*tensor of bool"),
        (tfoptim.Adam, "amsgrad", True, "must be True or False"),
        (tfoptim.Adam, "gradient_accumulation_steps", 2, "must be an integer"),
    ],
)
def test_what_no_tensor_can_set_is_refused_while_the_function_is_traced(make, name, number, words):
    """In a sentence, and not ignored."""
    optimizer = make()
    before = optimizer.get_config()
    apply = setting(optimizer, name, keras.Variable([1.0]))
    with pytest.raises((TypeError, ValueError), match=f"{type(optimizer).__name__}: {name}.*{words}|{words}"):
        apply(tf.constant(number), tf.constant([1.0]))
    assert optimizer.get_config() == before


def test_a_constructor_cannot_take_what_is_not_known_yet():
    """It says where the tensor may go."""
    with pytest.raises(
        TypeError, match=r"Adam: learning_rate must be a known value.*assign the tensor to the optimizer's attribute"
    ):
        tf.function(lambda x: tfoptim.Adam(x).beta_1)(tf.constant(0.5))


def test_a_beta_near_1_set_by_a_tensor_is_not_rounded_to_1(without_native):
    """TensorFlow's kernel would take it as 1: a step that is traced later uses none, an earlier one refuses it."""
    near, one = tf.constant(0.99999999, tf.float64), tf.constant([1.0])
    weight, optimizer = keras.Variable([0.0]), tfoptim.Adam(0.1)
    apply = setting(optimizer, "beta_2", weight)
    for _ in range(3):
        apply(near, one)
    # epsilon beside a second moment of sqrt(1e-8): each step is up to 1e-3 short of the learning rate
    np.testing.assert_allclose(weight.numpy(), [-0.3], rtol=2e-3)
    earlier, weight = tfoptim.Adam(0.1), keras.Variable([0.0])
    earlier.apply([one], [weight])
    with pytest.raises(tf.errors.InvalidArgumentError, match="beta_2 must satisfy"):
        tf.function(lambda x: setattr(earlier, "beta_2", x))(near)
    assert earlier.beta_2 == 0.999
