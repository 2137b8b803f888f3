"""Dynamic loss scaling: grows after finite steps, halves and skips after one that is not."""

import copy
import pickle  # noqa: TID251  the tests write what they read

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import MODES, stepper, values_of, variables_of


def scaled(**arguments):
    """A scaled gradient descent and its variable of two ones."""
    variables = variables_of([np.ones(2)])
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.GD(1.0), **arguments)
    return optimizer, variables


@pytest.mark.parametrize("mode", MODES)
def test_scale_doubles_after_finite_steps_and_halves_after_one_that_is_not(mode):
    """Two finite steps double 4 to 8; a NaN halves it and leaves weights and inner counter alone."""
    optimizer, variables = scaled(initial_scale=4.0, dynamic_growth_steps=2)
    optimizer.build(variables)
    step = stepper(optimizer, variables, mode)
    scales = []
    for gradient in ([4.0, 4.0], [4.0, 0.0], [np.nan, 8.0], [4.0, 4.0]):
        step([tf.constant(gradient)])
        scales.append(float(optimizer.dynamic_scale.numpy()))
    assert [4.0, 8.0, 4.0, 4.0] == scales
    assert [-2.0, -1.0] == values_of(variables)[0].tolist()
    assert int(optimizer.inner_optimizer.iterations.numpy()) == 3


COPIES = {
    "copy": copy.deepcopy,
    "pickle": lambda optimizer: pickle.loads(pickle.dumps(optimizer)),  # noqa: S301  our own bytes
    "copy of a pickle": lambda optimizer: copy.deepcopy(pickle.loads(pickle.dumps(optimizer))),  # noqa: S301
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_scales_the_loss_by_the_present_scale(way):
    """Before it is built, too: the loss is scaled first, and the gradients are divided by what was saved."""
    optimizer, variables = scaled(initial_scale=4.0, dynamic_growth_steps=1)
    optimizer.apply([tf.constant([4.0, 4.0])], variables)
    twin = COPIES[way](optimizer)
    assert twin.built == (way == "copy")
    scale = float(twin.scale_loss(1.0))
    assert scale == 8.0
    twin.apply([tf.constant([scale, scale])], variables)
    assert values_of(variables)[0].tolist() == [-1.0, -1.0]


def test_it_is_built_by_its_first_step():
    """The first call makes the state; an empty one does nothing."""
    optimizer, variables = scaled(initial_scale=2.0)
    optimizer.apply([], [])
    assert not optimizer.built
    optimizer.apply([tf.constant([2.0, 4.0])], variables)
    assert [0.0, -1.0] == values_of(variables)[0].tolist()


def test_its_first_step_needs_the_variables():
    """Without them it says what to do, as the optimizers do."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.SGD())
    with pytest.raises(ValueError, match="not built: pass the variables to `apply`"):
        optimizer.apply([tf.constant(1.0)])


def test_it_takes_only_our_optimizers():
    """A Keras optimizer inside would look at one replica again; the message names the converter."""
    with pytest.raises(TypeError, match="from_keras"):
        tfoptim.LossScaleOptimizer(keras.optimizers.SGD())


def test_it_survives_the_trip_through_its_configuration():
    """Inner optimizer, scale and growth are saved."""
    optimizer, _ = scaled(initial_scale=16.0, dynamic_growth_steps=5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert (tfoptim.LossScaleOptimizer, tfoptim.GD) == (type(again), type(again.inner_optimizer))
    assert optimizer.get_config() == again.get_config()


@pytest.mark.parametrize(
    ("argument", "value", "error", "words"),
    [
        ("initial_scale", -1, ValueError, r"must satisfy 0 < x <= .*got -1\.0"),
        ("initial_scale", 0, ValueError, r"must satisfy 0 < x <= .*got 0\.0"),
        ("initial_scale", np.nan, ValueError, ".*got nan"),
        ("initial_scale", 2.0**130, ValueError, ".*got 1.3"),
        ("initial_scale", "a", TypeError, "must be a number .*got str 'a'"),
        ("dynamic_growth_steps", 0, ValueError, "must be an integer >= 1, got 0"),
        ("dynamic_growth_steps", 2.5, TypeError, "must be an integer >= 1, got float '2.5'"),
        ("dynamic_growth_steps", None, TypeError, "must be a number .*got None"),
    ],
)
def test_a_scale_that_could_never_step_is_refused(argument, value, error, words):
    """At construction and when it is assigned, in one sentence."""
    with pytest.raises(error, match=f"^LossScaleOptimizer: {argument} {words}"):
        scaled(**{argument: value})
    with pytest.raises(error, match=f"^LossScaleOptimizer: {argument} {words}"):
        setattr(scaled()[0], argument, value)


def test_numbers_of_any_kind_are_taken_as_in_keras():
    """Whole floats, NumPy's and tensors; the configuration has plain ones."""
    optimizer, _ = scaled(initial_scale=np.float32(4), dynamic_growth_steps=tf.constant(3))
    assert (4.0, 3) == (optimizer.initial_scale, optimizer.dynamic_growth_steps)
    assert scaled(initial_scale=16, dynamic_growth_steps=2000.0)[0].get_config()["dynamic_growth_steps"] == 2000


def test_scale_and_growth_are_fixed_when_it_is_built():
    """A traced step has them; the same value may be assigned."""
    optimizer, variables = scaled(initial_scale=2.0)
    optimizer.dynamic_growth_steps = 5
    optimizer.build(variables)
    optimizer.dynamic_growth_steps = 5
    with pytest.raises(ValueError, match=r"dynamic_growth_steps cannot change once.*make a new optimizer"):
        optimizer.dynamic_growth_steps = 6
    with pytest.raises(ValueError, match=r"initial_scale cannot change once.*call dynamic_scale\.assign"):
        optimizer.initial_scale = 4.0


# Arguments of the inner optimizer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight_decay", 0.0),
        ("clipnorm", 0.5),
        ("beta_1", 0.5),
        ("use_ema", True),
        ("nonfinite", "skip"),
        ("groups", {"bias": {"weight_decay": None}}),
        ("learning_rate", 0.5),
    ],
)
def test_an_argument_is_set_and_read_on_either(name, value):
    """What is set on the wrapper acts, and what is set on the inner optimizer shows."""
    optimizer, other = (tfoptim.LossScaleOptimizer(tfoptim.AdamW()) for _ in range(2))
    setattr(optimizer, name, value)
    setattr(other.inner_optimizer, name, value)
    for one in (optimizer, other):
        assert value == one.inner_optimizer.given(name)
        assert getattr(one.inner_optimizer, name) == getattr(one, name)


def test_averages_and_sums_of_gradients_are_made_once():
    """By the inner optimizer, also where the wrapper is asked for them."""
    optimizer, variables = scaled(initial_scale=2.0)
    optimizer.use_ema, optimizer.gradient_accumulation_steps = True, 2
    optimizer.build(variables)
    names = [v.name for v in optimizer.variables if v.shape == (2,)]
    assert len(names) == 2
    assert (True, 2) == (optimizer.use_ema, optimizer.gradient_accumulation_steps)
    assert optimizer.variables[2:4] == [optimizer.step_counter, optimizer.dynamic_scale]


def test_variables_are_excluded_by_the_inner_optimizer():
    """From weight decay, and from what else its rule has."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.Lamb(weight_decay=0.1))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.exclude_from_layer_adaptation(var_names=["gamma"])
    assert [e.patterns for e in optimizer.inner_optimizer.exclusions()] == [("bias",), ("gamma",)]


def test_what_the_inner_optimizer_refuses_is_refused_on_the_wrapper():
    """A built one cannot follow; a second loss scale would be divided out alone; parts have their own numbers."""
    optimizer, variables = scaled()
    optimizer.loss_scale_factor = None
    with pytest.raises(ValueError, match=r"loss_scale_factor must be None.*call dynamic_scale\.assign"):
        optimizer.loss_scale_factor = 2.0
    optimizer.build(variables)
    with pytest.raises(ValueError, match="GD: clipnorm cannot change from None"):
        optimizer.clipnorm = 1.0
    joined = tfoptim.LossScaleOptimizer(tfoptim.MultiOptimizer(tfoptim.Adam(), {"bias": tfoptim.SGD()}))
    with pytest.raises(AttributeError, match=r"^MultiOptimizer: beta_1 is an .*optimizers\[0\]\.beta_1 = "):
        joined.beta_1 = 0.5


def test_mixed_precision_policy_recognises_it():
    """`compile` under mixed_float16 does not wrap it a second time."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, dtype="mixed_float16")])
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.Adam())
    model.compile(optimizer, loss="mse", auto_scale_loss=True)
    assert model.optimizer is optimizer
