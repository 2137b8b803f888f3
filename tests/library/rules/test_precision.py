"""Every dtype trains: half precision has float32 slots and coefficients, float64 stays float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CLASSES
from tests.library.harness import MODES, train, variables_of
from tests.library.products import crossed, every_rule_where, representative_where

DTYPES = ("bfloat16", "float16", "float32", "float64")
HALVES = {"bfloat16": 2.0**-8, "float16": 2.0**-11}  # half a unit in the last place at 1


def moved(case, dtype, gradients, **arguments):
    """How far a weight of 1 has moved after these gradients, computed by our optimizer."""
    weight = keras.Variable(1.0, dtype=dtype)
    optimizer = case.make(**arguments)
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [weight])
    return float(weight.numpy()) - 1.0


@crossed("dtype", HALVES, representative=("bfloat16",))
def test_half_precision_moves_like_float32(case, dtype):
    """Five steps differ from float32 only by rounding the weight once a step."""
    gradients = [0.5, -0.25, 0.5, 0.125, 1.0]  # exact in every dtype
    expected = moved(case, "float32", gradients)
    assert abs(expected) > 10 * HALVES[dtype]
    largest = 2.0  # weights stay below 2, where one rounding is at most 2 * HALVES
    tolerance = len(gradients) * largest * HALVES[dtype]
    assert expected == pytest.approx(moved(case, dtype, gradients), abs=tolerance)


@crossed("dtype", HALVES, every_rule=("bfloat16",))
def test_half_precision_variables_keep_float32_slots(case, dtype):
    """A moving average in bfloat16 would never move: 0.999 is 1 there."""
    optimizer = case.make()
    optimizer.build(variables_of([np.ones(3)], dtype))
    kept = optimizer.variables[2:]
    assert ["float32"] * len(kept) == [keras.backend.standardize_dtype(v.dtype) for v in kept]
    assert len(kept) == len(case.slots_of((3,))) + len(case.shared_state)


@crossed("size", (300.0, 1e-4), representative=(300.0,), rows=CLASSES)
def test_float16_gradients_neither_overflow_nor_vanish(case, size):
    """A gradient whose square float16 cannot hold trains like the same gradient in float32."""
    gradient = float(np.float16(size))
    rate = 1e-3 if case.linear_in_gradient else 0.05
    expected = moved(case, "float32", [gradient] * 3, learning_rate=rate)
    actual = moved(case, "float16", [gradient] * 3, learning_rate=rate)
    assert np.isfinite(actual)
    assert expected == pytest.approx(actual, abs=6 * HALVES["float16"])


@every_rule_where(lambda case: case.still_at_gradient_zero)
def test_zero_gradients_from_the_start_change_nothing_in_simulation(case):
    """Of every rule, whose lines are the same in every dtype; NumPy would warn of a division by zero."""
    decay = {"weight_decay": 0.0} if case.decays else {}
    assert np.all(tfoptim.simulate(case.make(**decay), np.ones(2), [np.zeros(2)] * 3) == 1.0)


@crossed(
    "dtype", DTYPES, representative=("bfloat16", "float32", "float64"), fact=lambda case: case.still_at_gradient_zero
)
def test_zero_gradients_from_the_start_change_nothing(case, dtype):
    """Nothing is divided by zero and nothing moves, in any dtype."""
    decay = {"weight_decay": 0.0} if case.decays else {}
    assert moved(case, dtype, [0.0, 0.0, 0.0], **decay) == 0.0


@every_rule_where(lambda case: case.zero_gradient_noop)
def test_a_zero_gradient_after_others_changes_nothing(case):
    """The weights stay bit-equal when the row says that a zero gradient is a no-op."""
    gradients = [0.3, -0.7]
    assert moved(case, "float32", gradients) == moved(case, "float32", [*gradients, 0.0])


@pytest.mark.parametrize("mode", MODES)
def test_float64_rates_do_not_pass_through_float32(mode):
    """A learning rate of 0.1 is 0.1, not 0.10000000149."""
    (last,) = train(tfoptim.GD(0.1), [np.zeros(())], [[np.ones(())]], mode=mode, dtype="float64")[-1]
    assert float(last) == -0.1


def test_float64_rates_set_later_do_not_pass_through_float32():
    """Assigning the rate keeps its precision too."""
    weight = keras.Variable(0.0, dtype="float64")
    optimizer = tfoptim.GD(0.5)
    optimizer.build([weight])
    optimizer.learning_rate = 0.1
    optimizer.apply([tf.constant(1.0, tf.float64)], [weight])
    assert float(weight.numpy()) == -0.1


@representative_where(lambda case: not case.joint)
def test_dtypes_may_be_mixed_in_one_model(case):
    """Each variable trains as it would alone, whatever the dtypes of the others."""
    gradients = [0.5, -0.25, 0.5]
    weights = [keras.Variable(1.0, dtype=dtype) for dtype in DTYPES]
    optimizer = case.make()
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, w.dtype) for w in weights], weights)
    for weight in weights:
        alone = moved(case, weight.dtype, gradients)
        assert alone == float(weight.numpy()) - 1.0


def test_one_minus_beta_power_keeps_its_digits():
    """The correction of Adam's second slot is right in float32 at step 1 and at step 2**31 + 5."""
    for t in (1, 2**31 + 5):
        assert -np.expm1(t * np.log(0.999)) == pytest.approx(tfoptim.ops.debias(0.999, t), rel=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_beta_that_float32_takes_for_one_is_the_number_it_is(dtype):
    """Taken as 1, beta_2 would leave the second moment at 0 and make steps of a hundred learning rates."""
    (weight,) = variables_of([np.zeros(1)], dtype)
    optimizer = tfoptim.Adam(0.1, beta_2=0.99999999)
    for _ in range(3):
        optimizer.apply([tf.ones([1], dtype)], [weight])
    # epsilon beside a second moment of sqrt(1e-8): each step is up to 1e-3 short of the learning rate
    np.testing.assert_allclose(weight.numpy(), [-0.3], rtol=2e-3, atol=0)
