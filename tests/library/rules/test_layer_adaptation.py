"""Rules that make the step of a variable as long as its weights say, and variables that are excluded from it."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.products import every_class_where
from tfoptim import update
from tfoptim.layerwise import LayerWise

STEPS = 6
ROUNDING = 1e-12  # float64, relative to the weights, which are about 1

layer_wise = every_class_where(lambda case: issubclass(getattr(tfoptim, case.name), LayerWise))


@layer_wise
@pytest.mark.parametrize("large", [False, True], ids=["dense", "compiled"])
def test_excluded_variables_have_the_factor_one(case, large, monkeypatch, without_native):
    """The matrix is adapted, the vector is not, as in the loop; XLA compiles the two as functions of their own."""
    if large:
        monkeypatch.setattr(update, "LARGE", 1)
    matrix, vector = weights = variables_of(start_weights(), "float64")
    optimizer = case.make(weight_decay=0.04)
    optimizer.exclude_from_layer_adaptation(var_list=[vector])
    optimizer.build(weights)
    step = tf.function(lambda gradients: optimizer.apply(gradients, weights), autograph=False)
    for gradients in random_gradients(STEPS):
        step([tf.constant(g) for g in gradients])
    assert len(optimizer._runtime.compiled) == (2 if large else 0)
    for i, variable in enumerate((matrix, vector)):
        columns = [g[i] for g in random_gradients(STEPS)]
        expected, otherwise = (
            case.trajectory(start_weights()[i], columns, weight_decay=0.04, adapted=adapted)[-1]
            for adapted in (variable is matrix, variable is not matrix)
        )
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=ROUNDING * np.abs(expected).max())
        assert not np.allclose(expected, otherwise, rtol=1e-3)


@layer_wise
def test_variables_of_one_shape_are_adapted_or_not_when_compiled(case, monkeypatch, without_native):
    """Two matrices alike but for the exclusion are two functions of XLA."""
    monkeypatch.setattr(update, "LARGE", 1)
    weights = variables_of([start_weights()[0]] * 2, "float64")
    optimizer = case.make()
    optimizer.exclude_from_layer_adaptation(var_names=["_1$"])
    gradients = [g[0] for g in random_gradients(2)]
    for g in gradients:
        optimizer.apply([tf.constant(g)] * 2, weights)
    for variable, adapted in zip(weights, (True, False), strict=True):
        expected = case.trajectory(start_weights()[0], gradients, adapted=adapted)[-1]
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


@layer_wise
def test_the_simulation_knows_the_exclusion_by_the_path(case):
    """By pattern, and by the path of a variable."""
    start, gradients = start_weights()[1], [g[1] for g in random_gradients(STEPS)]
    for exclusion in ({"var_names": ["bias"]}, {"var_list": ["layer/bias"]}):
        optimizer = case.make()
        optimizer.exclude_from_layer_adaptation(**exclusion)
        for path, adapted in (("layer/bias", False), ("layer/kernel", True)):
            found = tfoptim.simulate(optimizer, start, gradients, path=path)
            expected = case.trajectory(start, gradients, adapted=adapted)
            np.testing.assert_allclose(found, expected, rtol=ROUNDING)


@layer_wise
def test_a_variable_that_begins_at_zero_moves(case):
    """Where the norm of the weights is 0, the factor is 1; so it is where that of the gradient is."""
    weight, still = variables_of([np.zeros(3), np.ones(3)], "float64")
    optimizer = case.make()
    optimizer.apply([tf.ones(3, tf.float64), tf.zeros(3, tf.float64)], [weight, still])
    assert np.all(weight.numpy() < 0)
    assert still.numpy().tolist() == [1.0, 1.0, 1.0]


def test_a_model_is_saved_with_both_exclusions(tmp_path):
    """They are independent of each other, and other rules know but one of them."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="d"), keras.layers.Dense(1, name="e")])
    optimizer = tfoptim.LARS(weight_decay=0.1)
    optimizer.exclude_from_layer_adaptation(var_names=["bias"])
    optimizer.exclude_from_weight_decay(var_list=[model.layers[0].bias])
    model.compile(optimizer, loss="mse")
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    config = json.loads(json.dumps(optimizer.get_config()))
    assert config == loaded.optimizer.get_config()
    assert loaded.optimizer._runtime.groups == optimizer._runtime.groups
    both = frozenset({"weight_decay", "layer_adaptation"})
    none, one = frozenset(), frozenset({"layer_adaptation"})
    assert [excluded for _, excluded in optimizer._runtime.groups] == [none, both, none, one]
    with pytest.raises(ValueError, match="SGD has no argument 'exclude_from_layer_adaptation'"):
        tfoptim.SGD.from_config({"exclude_from_layer_adaptation": {"var_names": ["bias"]}})


def test_half_precision_takes_norms_in_float32():
    """The squares of 300 are more than float16 holds, and their sum more than bfloat16 could count."""
    for dtype in ("float16", "bfloat16"):
        start = np.full((64, 64), 1.0)
        (weight,) = variables_of([start], dtype)
        optimizer = tfoptim.LARS(1.0, trust_coefficient=0.5, momentum=0.0)
        optimizer.apply([tf.fill([64, 64], tf.constant(300.0, dtype))], [weight])
        np.testing.assert_array_equal(values_of([weight])[0].astype("float64"), start / 2)
