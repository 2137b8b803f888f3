"""Gradients that are not finite: passed on, skipped or refused, as the optimizer was told."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import MODES, stepper, values_of, variables_of


def two_variables(optimizer):
    """A built optimizer's two variables of two ones each."""
    variables = variables_of([np.ones(2), np.ones(2)])
    optimizer.build(variables)
    return variables


def snapshot(optimizer, variables):
    """Every value that a step may change, as bytes."""
    return [v.tobytes() for v in values_of([*variables, *optimizer.variables])]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nonfinite_gradient_is_skipped_when_asked_to(bad, mode):
    """One bad element anywhere: weights, slots and counter stay bit-equal, and the next step works."""
    optimizer = tfoptim.Adam(0.1, nonfinite="skip", use_ema=True)
    variables = two_variables(optimizer)
    step = stepper(optimizer, variables, mode)
    step([tf.ones(2), tf.ones(2)])
    before = snapshot(optimizer, variables)
    step([tf.ones(2), tf.constant([bad, 1.0])])
    assert before == snapshot(optimizer, variables)
    step([tf.ones(2), tf.ones(2)])
    assert before != snapshot(optimizer, variables)


def test_nonfinite_call_of_a_cycle_skips_the_whole_update():
    """With accumulation the cycle starts again, as if it had not been."""
    optimizer = tfoptim.GD(1.0, nonfinite="skip", gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    before = snapshot(optimizer, variables)
    for gradient in (tf.constant([np.nan, 1.0]), tf.ones(2)):
        optimizer.apply([gradient, tf.ones(2)], variables)
    assert before == snapshot(optimizer, variables)


@pytest.mark.parametrize("mode", MODES)
def test_nonfinite_gradient_raises_when_asked_to(mode):
    """The error names the optimizer, and the weights are untouched."""
    optimizer = tfoptim.SGD(0.1, nonfinite="raise", name="named")
    variables = two_variables(optimizer)
    step = stepper(optimizer, variables, mode)
    with pytest.raises(tf.errors.InvalidArgumentError, match="named: a gradient is not finite"):
        step([tf.ones(2), tf.constant([np.inf, 1.0])])
    assert [[1.0, 1.0]] * 2 == [v.tolist() for v in values_of(variables)]


def test_nonfinite_gradient_goes_through_by_default():
    """The default is Keras's: the element becomes NaN, the others move."""
    optimizer = tfoptim.GD(1.0)
    variables = two_variables(optimizer)
    optimizer.apply([tf.constant([np.nan, 1.0]), tf.ones(2)], variables)
    assert np.isnan(variables[0].numpy()).tolist() == [True, False]


def test_where_assertions_are_left_out_a_refused_step_is_seen():
    """Under XLA the loss becomes NaN; a step that was missing would go unnoticed."""
    optimizer = tfoptim.SGD(0.1, nonfinite="raise")
    variables = two_variables(optimizer)
    tf.function(lambda: optimizer.apply([tf.fill([2], np.nan), tf.ones(2)], variables), jit_compile=True)()
    assert np.isnan(variables[0].numpy()).all()
    with pytest.raises(ValueError, match="nonfinite='raise' never acts inside"):
        tfoptim.LossScaleOptimizer(tfoptim.SGD(0.1, nonfinite="raise"))
