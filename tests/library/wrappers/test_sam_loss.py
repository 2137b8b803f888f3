"""SAM asks for the loss, and is copied, saved and resumed as the optimizer inside."""

import copy
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of, variables_of
from tests.library.quadratic import START, gradients_at, loss_of, train
from tests.library.reference.sam import sam
from tests.library.wrappers.test_sam import assert_follows
from tfoptim.declaration import NonNegative

# The loss


def test_other_gradients_are_refused_with_the_way_out():
    """Never silently the rule without SAM: once for each `apply`, eager and while a function is traced."""
    optimizer, variables = tfoptim.SAM(tfoptim.SGD(0.05)), variables_of(START, "float64")
    others = [tf.constant(w) for w in START]
    with pytest.raises(RuntimeError, match=r"SAM needs the loss.*tfoptim.training.trainable.*optimizer.gradients"):
        optimizer.apply(others, variables)
    optimizer.apply(optimizer.gradients(loss_of(variables), variables), variables)
    with pytest.raises(RuntimeError, match="SAM needs the loss"):
        optimizer.apply(others, variables)
    with pytest.raises(RuntimeError, match="SAM needs the loss"):
        tf.function(optimizer.apply)(others, variables)
    with pytest.raises(RuntimeError, match="SAM needs the loss"):
        tfoptim.LossScaleOptimizer(tfoptim.SAM(tfoptim.SGD())).apply(others, variables)


def test_gradients_and_apply_may_be_in_different_functions():
    """Each traced once, or one of them eager: three steps all the same."""
    expected = sam(START, gradients_at, 3)
    for wrap in ((tf.function, lambda f: f), (lambda f: f, tf.function), (tf.function, tf.function)):
        assert_follows(expected, apart(*wrap))


def apart(wrap_gradients, wrap_apply):
    """Weights after three steps, of which each half is wrapped by itself."""
    optimizer, variables = tfoptim.SAM(tfoptim.SGD(0.05)), variables_of(START, "float64")
    gradients = wrap_gradients(lambda: optimizer.gradients(loss_of(variables), variables))
    apply = wrap_apply(lambda found: optimizer.apply(found, variables))
    found = []
    for _ in range(3):
        apply(gradients())
        found.append(values_of(variables))
    return found


def test_the_loss_may_branch_on_tensors_in_a_function():
    """AutoGraph converts it as it would without SAM."""
    (w,) = variables = variables_of([np.array([2.0])], "float64")
    optimizer = tfoptim.SAM(tfoptim.SGD(1.0), rho=1.5)

    def loss():
        if tf.reduce_sum(w.value) > 3:  # only at the perturbed weights
            return tf.reduce_sum(0.25 * w.value)
        else:  # noqa: RET505  AutoGraph needs it
            return tf.reduce_sum(w.value)

    tf.function(lambda: optimizer.apply(optimizer.gradients(loss, variables), variables))()
    assert w.numpy() == 1.75


def test_the_loss_must_be_a_function():
    """A tensor cannot be computed again at other weights."""
    with pytest.raises(TypeError, match="loss must be a function without arguments"):
        tfoptim.SAM(tfoptim.SGD()).gradients(tf.constant(1.0), variables_of(START))


# Copies


class Own(tfoptim.Optimizer):
    """A user's rule, with a constructor that sets an attribute of its own."""

    factor: NonNegative = 1.0

    def direction(self, h, g, w, s):
        """Gradient descent, faster."""
        return h.factor * g


def test_it_is_a_copy_of_the_optimizer_with_two_numbers_more():
    """Class, numbers and attributes are the optimizer's, which is itself unchanged."""
    adam = tfoptim.Adam(0.1, beta_1=0.5, clipnorm=1.0)
    adam.exclude_from_weight_decay(var_names=["bias"])
    optimizer = tfoptim.SAM(adam, 0.1)
    assert isinstance(optimizer, tfoptim.Adam)
    assert isinstance(optimizer, tfoptim.SAM)
    assert repr(optimizer) == "SAM(optimizer=Adam(learning_rate=0.1, beta_1=0.5, clipnorm=1.0), rho=0.1)"
    assert optimizer.get_config()["optimizer"]["config"] == adam.get_config()
    assert not adam.needs_loss
    expected = sam(START, gradients_at, 2, 0.1)
    assert_follows(expected, train(tfoptim.SAM(Own(0.05, factor=2.0)), 2))


def test_it_survives_the_trip_through_its_configuration():
    """By Keras and by name; schedules too."""
    schedule = tfoptim.schedules.Cyclic(0.1, 0.2, 10)
    optimizer = tfoptim.SAM(tfoptim.Adam(0.1), rho=schedule, adaptive=True)
    config = keras.optimizers.serialize(optimizer)
    for again in (
        keras.optimizers.deserialize(config),
        tfoptim.get(config),
        type(optimizer).from_config(config["config"]),
    ):
        assert type(again) is type(optimizer)
        assert optimizer.get_config() == again.get_config()


def test_it_has_no_name_without_an_optimizer():
    """`get("sam")` says how it is made."""
    with pytest.raises(ValueError, match=r"tfoptim\.SAM\(tfoptim\.get\('adam'\)\)"):
        tfoptim.get("sam")


def resumed(make_copy):
    """Six steps, of which the last three are taken by a copy."""
    optimizer, variables = tfoptim.SAM(tfoptim.Adam(0.1), rho=0.2), variables_of(START, "float64")
    found = []
    for i in range(6):
        if i == 3:
            optimizer = make_copy(optimizer)
        optimizer.apply(optimizer.gradients(loss_of(variables), variables), variables)
        found.append(values_of(variables))
    return found


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])  # noqa: S301  our own
def test_copies_go_on_to_the_last_bit(make_copy):
    """State, numbers and SAM are copied."""
    assert_follows(train(tfoptim.SAM(tfoptim.Adam(0.1), rho=0.2), 6), resumed(make_copy), tolerance=0)


def test_it_takes_over_the_state_of_a_trained_optimizer():
    """A run without SAM is continued with it: with `rho=0` to the same bits."""
    expected = train(tfoptim.Adam(0.1), 6)
    variables, adam = variables_of(START, "float64"), tfoptim.Adam(0.1)
    for _ in range(3):
        adam.apply(adam.gradients(loss_of(variables), variables), variables)
    optimizer = tfoptim.SAM(adam, rho=0)
    for _ in range(3):
        optimizer.apply(optimizer.gradients(loss_of(variables), variables), variables)
    assert_follows([expected[-1]], [values_of(variables)], tolerance=0)
