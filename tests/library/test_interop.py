"""Training goes over from Keras's optimizer to ours and back, with configuration and state, at any step."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tests.library.harness import assert_follows, random_gradients, start_weights, values_of, variables_of
from tests.library.products import every_rule_where, representative_where
from tfoptim import schedules
from tfoptim.counterparts import counterparts

ALIKE = {ours: theirs for ours, theirs in counterparts().items() if not ours.differs_from_keras}
FLOAT32 = 3e-5  # of the largest move: Keras computes its factors in float32, we do not
CYCLE = {"weight_decay": 0.02, "clipnorm": 2.0, "gradient_accumulation_steps": 2}
AVERAGE = {"weight_decay": 0.02, "use_ema": True, "ema_momentum": 0.8}  # Keras averages within a cycle too: not both


def go_on(optimizer, variables, gradients):
    """The weights after each of some steps."""
    trajectory = []
    for gradient in gradients:
        optimizer.apply([tf.constant(g, "float32") for g in gradient], variables)
        trajectory.append(values_of(variables))
    return trajectory


def averaged(optimizer, variables):
    """The weights with which `fit` would end."""
    optimizer.finalize_variable_values(variables)
    return [values_of(variables)]


def state_of(optimizer):
    """All of its variables as arrays."""
    return [keras.ops.convert_to_numpy(v) for v in optimizer.variables]


def trained(optimizer, steps=3):
    """The optimizer, which spares the second variable from decay, and its variables after three steps."""
    variables = variables_of(start_weights())
    optimizer.exclude_from_weight_decay(var_list=variables[1:])
    optimizer.build(variables)
    go_on(optimizer, variables, random_gradients(steps))
    return optimizer, variables


def converted(convert, old):
    """The converted optimizer, with the state of the old one to the last bit, but for what only Keras's keeps."""
    new = convert(old)
    assert type(new).__name__.lower() == type(old).__name__.lower()
    assert isinstance(new, tfoptim.Optimizer) is not isinstance(old, tfoptim.Optimizer)
    ours, keras_one = (new, old) if isinstance(new, tfoptim.Optimizer) else (old, new)
    for mine, theirs in zip(ours.variables, ours.state_of_keras(keras_one), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    return new


def assert_goes_over_and_back(case, arguments):
    """Three steps of Keras's, two of ours and two of Keras's again are seven of Keras's."""
    theirs, variables = trained(case.make_keras(**arguments))
    start, later = values_of(variables), random_gradients(4, seed=9)
    ours = converted(tfoptim.from_keras, theirs)
    expected = go_on(theirs, variables, later) + averaged(theirs, variables)
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    actual = go_on(ours, variables, later[:2])
    again = converted(tfoptim.to_keras, ours)
    actual += go_on(again, variables, later[2:]) + averaged(again, variables)
    assert_follows(expected, actual, start, FLOAT32)


@every_rule_where(lambda case: case.in_keras)
def test_training_goes_on_within_a_cycle(case):
    """Each conversion leaves a cycle of accumulation half done."""
    assert_goes_over_and_back(case, CYCLE)


@representative_where(lambda case: case.in_keras)
def test_averages_go_on(case):
    """The weights at the end of `fit` are the same too."""
    assert_goes_over_and_back(case, AVERAGE)


def test_what_keras_has_too_follows_from_the_classes():
    """A class of the same name in Keras is a row that says so, and is converted, unless it is another method there."""
    rows = {(case.name, case.keras_name) for case in CASES if case.in_keras}
    assert rows == {(ours.__name__, theirs.__name__) for ours, theirs in ALIKE.items()}


@pytest.mark.parametrize("theirs", ALIKE.values(), ids=lambda cls: cls.__name__)
def test_a_round_trip_changes_no_argument(theirs):
    """Each argument that has another value than the default comes back as it went."""
    given = {name: p.default for name, p in inspect.signature(theirs).parameters.items() if p.kind is not p.VAR_KEYWORD}
    changed = {name: value * 0.5 for name, value in given.items() if isinstance(value, float) and value}
    optimizer = theirs(**changed, use_ema=True, clipvalue=0.25, loss_scale_factor=2.0, name="it")
    config = tfoptim.to_keras(tfoptim.from_keras(optimizer)).get_config()
    assert optimizer.get_config() == config


@pytest.mark.parametrize(
    "rate", [keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5), schedules.Cyclic(0.1, 0.2, 4)], ids=type
)
def test_a_schedule_of_the_rate_goes_both_ways(rate):
    """Keras's and ours; the step counter says where it has come to."""
    ours, _ = trained(tfoptim.Adam(rate))
    theirs = tfoptim.to_keras(ours)
    again = tfoptim.from_keras(theirs)
    np.testing.assert_allclose([float(theirs.learning_rate), float(again.learning_rate)], float(ours.learning_rate))


def test_numbers_set_since_go_over():
    """The converted optimizer has the numbers of now, not those of the constructor."""
    ours = tfoptim.Adam(0.1)
    ours.learning_rate = 0.25
    ours.beta_1 = 0.5
    theirs = tfoptim.to_keras(ours)
    assert (float(theirs.learning_rate), theirs.beta_1, theirs.name) == (0.25, 0.5, ours.name)


def test_half_precision_goes_over_as_each_side_keeps_it():
    """Our slots of bfloat16 weights are float32, Keras's bfloat16."""
    weight = keras.Variable(np.ones(3), dtype="bfloat16")
    ours = tfoptim.Adam()
    ours.build([weight])
    ours.apply([tf.constant([0.1, 0.2, 0.3], "bfloat16")], [weight])
    theirs = tfoptim.to_keras(ours)
    assert ("float32", "bfloat16") == (ours.variables[2].dtype, theirs.variables[2].dtype)
    np.testing.assert_allclose(np.float32(state_of(theirs)[2]), state_of(ours)[2], rtol=2**-8)  # bits of bfloat16


# Exclusions


def decayed(optimizer, variables):
    """Which variables a step without gradient makes smaller."""
    before = values_of(variables)
    optimizer.apply([tf.zeros(v.shape) for v in variables], variables)
    return [bool(np.any(v.numpy() < old)) for v, old in zip(variables, before, strict=True)]


def test_exclusions_from_decay_go_over_from_keras():
    """What Keras was told to spare, by variable and by name, is spared by ours; before building and after."""
    first, *_ = variables = variables_of([np.ones(2)] * 3)
    theirs = keras.optimizers.AdamW(1.0, weight_decay=0.5)
    theirs.exclude_from_weight_decay(var_list=[first], var_names=["weight_1"])
    theirs.build(variables)
    assert [False, False, True] == decayed(tfoptim.from_keras(theirs), variables)
    theirs = keras.optimizers.AdamW(1.0, weight_decay=0.5)
    theirs.exclude_from_weight_decay(var_names=["weight_1", "weight_2"])
    assert [True, False, False] == decayed(tfoptim.from_keras(theirs), variables)


def test_exclusions_that_keras_reads_otherwise_go_over_as_keras_reads_them():
    """Keras looks for the pattern in a variable's name, we in its path; a built one knows the variables."""
    layer = keras.layers.Dense(2, name="norm", bias_initializer="ones")
    layer.build((None, 3))
    theirs = keras.optimizers.AdamW(1.0, weight_decay=0.5)
    theirs.exclude_from_weight_decay(var_names=["norm"])
    theirs.build([layer.bias])
    assert [True] == decayed(tfoptim.from_keras(theirs), [layer.bias])


def test_exclusions_from_decay_go_over_to_keras():
    """Paths and patterns become variables, which is what Keras compares."""
    first, *_ = variables = variables_of([np.ones(2)] * 3)
    ours = tfoptim.AdamW(1.0, weight_decay=0.5)
    ours.exclude_from_weight_decay(var_list=[first], var_names=["_1$"])
    ours.build(variables)
    assert [False, False, True] == decayed(tfoptim.to_keras(ours), variables)


def test_exclusions_that_wait_for_the_variables_are_refused_with_the_way_out():
    """They would be lost, or fit others."""
    variables = variables_of([np.ones(2)] * 2)
    theirs, ours = keras.optimizers.AdamW(), tfoptim.AdamW()
    theirs.exclude_from_weight_decay(var_list=variables[1:])
    ours.exclude_from_weight_decay(var_names=["weight_1"])
    with pytest.raises(
        ValueError, match=r"^from_keras got AdamW of keras.*is not built: call its `build\(variables\)`"
    ):
        tfoptim.from_keras(theirs)
    with pytest.raises(ValueError, match=r"^to_keras got AdamW\(\): exclusions fit.*; call `build\(variables\)` first"):
        tfoptim.to_keras(ours)


# Loss scales


def scaled(optimizer, wrapper):
    """A loss scale after a finite and an infinite step, with its weight."""
    (weight,) = variables_of([np.ones(2)])
    scaling = wrapper(optimizer, initial_scale=8.0, dynamic_growth_steps=3)
    scaling.build([weight])
    for gradient in ([8.0, 4.0], [np.inf, 4.0], [4.0, 4.0]):
        scaling.apply([tf.constant(gradient)], [weight])
    return scaling, weight


@pytest.mark.parametrize(
    ("convert", "old", "new"),
    [
        (tfoptim.from_keras, keras.optimizers, tfoptim),
        (tfoptim.to_keras, tfoptim, keras.optimizers),
    ],
    ids=["from_keras", "to_keras"],
)
def test_loss_scaling_goes_over(convert, old, new):
    """The scale, its counter and the state inside go over together, and training goes on."""
    before, weight = scaled(old.Adam(0.1), old.LossScaleOptimizer)
    after = convert(before)
    assert (new.LossScaleOptimizer, new.Adam) == (type(after), type(after.inner_optimizer))
    assert (float(after.dynamic_scale.numpy()), int(after.step_counter.numpy())) == (4.0, 1)
    start, moved = weight.numpy(), []
    for optimizer in (before, after):
        weight.assign(start)
        optimizer.apply([tf.constant([4.0, 8.0])], [weight])
        moved.append(weight.numpy())
    np.testing.assert_allclose(*moved, rtol=0, atol=FLOAT32 * 0.1)  # a step is about the learning rate


def test_a_loss_scale_of_keras_around_ours_is_converted_inside():
    """So `compile` makes it under mixed_float16."""
    mixed, _ = scaled(tfoptim.Adam(0.1), keras.optimizers.LossScaleOptimizer)
    theirs, ours = tfoptim.to_keras(mixed), tfoptim.from_keras(mixed)
    assert keras.optimizers.Adam is type(theirs.inner_optimizer)
    assert (tfoptim.LossScaleOptimizer, tfoptim.Adam) == (type(ours), type(ours.inner_optimizer))
    for converted in (theirs, ours):
        assert float(converted.dynamic_scale.numpy()) == float(mixed.dynamic_scale.numpy()) == 4.0
