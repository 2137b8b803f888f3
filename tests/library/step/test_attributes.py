"""Attributes that a user's rule, or a schedule, reads: a step takes their present values, as Keras's eager steps do."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tfoptim import state

LARGE = 2**16  # elements from which a variable's update is compiled by itself


class Scaled(tfoptim.Optimizer):
    """Reads an attribute."""

    def __init__(self, **named):
        super().__init__(**named)
        self.factor = 1.0

    def direction(self, h, g, w, s):
        """The gradient times the attribute."""
        return self.factor * g


def built(optimizer, size):
    """An optimizer with one variable of zeros, and this."""
    variable = keras.Variable(np.zeros(size, "float32"))
    optimizer.build([variable])
    return optimizer, variable


@pytest.mark.parametrize(("size", "traced"), [(4, False), (LARGE, True), (LARGE, False)])
def test_an_attribute_that_is_set_acts_from_the_next_step_on(size, traced):
    """In eager loops, and wherever a step is traced again, as by `compile`."""
    optimizer, variable = built(Scaled(learning_rate=0.1), size)
    for factor in (1.0, 2.0, 3.0):
        optimizer.factor = factor
        step = lambda: optimizer.apply([tf.ones(size)], [variable])  # noqa: E731
        (tf.function(step) if traced else step)()
    assert variable.numpy()[0] == pytest.approx(-0.6, rel=1e-6)


def test_a_class_whose_attributes_change_at_each_step_is_traced_no_more():
    """Tracing each step again would take a hundred times as long."""
    optimizer, variable = built(Scaled(learning_rate=0.1), LARGE)
    for factor in range(2 * state.RESTLESS + 1):
        optimizer.factor = float(factor)
        optimizer.apply([tf.ones(LARGE)], [variable])
    assert variable.numpy()[0] == pytest.approx(-0.1 * sum(range(2 * state.RESTLESS + 1)), rel=1e-5)
    assert not optimizer._runtime.eager
    assert not optimizer._runtime.compiled


class Forgetful(keras.optimizers.schedules.LearningRateSchedule):
    """Returns what it was made with, None too."""

    def __init__(self, value):
        self.value = value

    def __call__(self, step):
        """The value."""
        return self.value

    def get_config(self):
        """The argument."""
        return {"value": self.value}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "learning_rate: the schedule Forgetful returned None; it must"),
        ([0.1, 0.2], r"returned the shape \(2,\)"),
    ],
)
def test_a_schedule_that_gives_no_number_is_refused(value, words):
    """A rate of 0 in its place would train nothing, without a word."""
    optimizer, variable = built(tfoptim.Adam(Forgetful(value)), 2)
    with pytest.raises(ValueError, match=words):
        optimizer.apply([tf.ones(2)], [variable])


def test_a_schedule_may_give_an_array_of_one_number():
    """As Keras takes it."""
    optimizer, variable = built(tfoptim.SGD(Forgetful([0.1])), 2)
    optimizer.apply([tf.ones(2)], [variable])
    np.testing.assert_allclose(variable.numpy(), -0.1, rtol=1e-6)


def test_a_changed_attribute_of_a_schedule_acts_in_eager_loops():
    """Of Keras's, and of a user's inside ours."""
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.0)
    mine = Forgetful(0.1)
    for given, attribute in ((schedule, "initial_learning_rate"), (mine, "value")):
        rate = given if given is schedule else tfoptim.schedules.Times(given, 1.0)
        optimizer, variable = built(tfoptim.SGD(rate), 1)
        optimizer.apply([tf.ones(1)], [variable])
        setattr(given, attribute, 0.5)
        optimizer.apply([tf.ones(1)], [variable])
        np.testing.assert_allclose(variable.numpy(), -0.6, rtol=1e-6)


def test_many_optimizers_in_one_program_are_no_retracing(caplog):
    """TensorFlow warns of one function that is traced often; these are many, each traced once."""
    for _ in range(8):
        optimizer, variable = built(tfoptim.SGD(0.1), 1)
        optimizer.apply([tf.ones(1)], [variable])
    assert "retracing" not in caplog.text


def test_a_variable_given_as_a_number_is_not_followed_and_says_so():
    """Keras refuses it."""
    with pytest.warns(UserWarning, match=r"SGD: learning_rate takes the present value of a Variable, and does not"):
        optimizer = tfoptim.SGD(tf.Variable(0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.learning_rate = tf.constant(0.25)
