"""Lookahead: a rule inside, slow weights around it, and everything else as for any optimizer."""

import numpy as np
import pytest
import tensorflow as tf

from tests.library.devices import on_each
from tests.library.harness import assert_follows, random_gradients, start_weights, train, variables_of
from tests.library.products import every_rule_where, representative_where
from tests.library.reference.lookahead import lookahead
from tests.library.reference.surroundings import surrounded
from tfoptim import SGD, Adam, Lookahead, simulate

GRADIENTS = [0.1, -0.2, 0.3]


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (lambda: Lookahead(Adam(), sync_period=2, slow_step_size=0.5), [0.9990000316, 0.9996830650, 0.9993398268]),
        (lambda: Lookahead(SGD(), 2, 0.5), [0.9990000000, 1.0005000000, 0.9975000000]),
    ],
)
def test_weights_are_the_known_ones(make, known):
    """Worked out beforehand, to ten decimals; in NumPy, and by a step of TensorFlow."""
    np.testing.assert_allclose(simulate(make(), 1.0, GRADIENTS), known, rtol=0, atol=1e-10)
    steps = train(make(), [np.ones(())], [[g] for g in GRADIENTS], mode="graph", dtype="float64")
    np.testing.assert_allclose(np.ravel(steps[:3]), known, rtol=0, atol=1e-10)


@every_rule_where(lambda case: not case.own_weights)
def test_a_synchronisation_interpolates_exactly(case):
    """After k steps the weights are the point between start and fast weights, to the last bit; then the loop's."""
    start, gradients = start_weights()[0], [step[0] for step in random_gradients(12)]
    fast = simulate(case.make(), start, gradients[:5])
    found = simulate(Lookahead(case.make(), sync_period=5, slow_step_size=0.25), start, gradients)
    np.testing.assert_array_equal(found[:4], fast[:4])
    np.testing.assert_array_equal(found[4], start + 0.25 * (fast[4] - start))
    options = {"learning_rate": case.learning_rate, **case.options}
    expected = lookahead(start, gradients, case.reference, 5, 0.25, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)  # float64, in another order


SURROUNDINGS = {
    "gradient_accumulation_steps": 2,
    "use_ema": True,
    "ema_momentum": 0.75,
    "clipnorm": 2.0,
    "loss_scale_factor": 4.0,
}


@representative_where(lambda case: not case.own_weights)
def test_a_step_does_all_that_is_around_a_rule(case):
    """Synchronises on updates, not on calls; decay, clipping, averages and the loss scale are those of any rule."""
    start, gradients = start_weights(), random_gradients(8)
    decay = {} if case.decays or case.own_decay else {"weight_decay": 0.01}
    optimizer = Lookahead(case.make(**decay, **SURROUNDINGS), sync_period=3, slow_step_size=0.25)
    options = {"learning_rate": case.learning_rate, **case.options}
    expected = surrounded(
        lambda w: lookahead.steps(w, case.reference, 3, 0.25, **options),
        start,
        gradients,
        learning_rate=case.rates(case.learning_rate),
        joint=case.joint,
        **decay,
        **SURROUNDINGS,
    )
    actual = train(optimizer, start, gradients, mode="graph", dtype="float64")
    assert_follows(expected, actual, start, 1e-12)  # float64: rounding alone


def test_large_variables_are_compiled():
    """XLA's function equals the rule in float32."""
    start, gradients = [np.ones((350, 200))], [[np.full((350, 200), g)] for g in (0.1, -0.2, 0.3, 0.4)]
    expected = simulate(Lookahead(Adam(), sync_period=2), 1.0, [0.1, -0.2, 0.3, 0.4])
    found = train(Lookahead(Adam(), sync_period=2), start, gradients)
    np.testing.assert_allclose([step[0][3, 7] for step in found[:4]], expected, rtol=0, atol=1e-6)


def test_half_precision_weights_have_slow_weights_in_float32():
    """A part of the way that bfloat16 has no digits for is kept until the next synchronisation."""
    (weight,) = variables_of([np.ones(3)], "bfloat16")
    optimizer = Lookahead(SGD(2.0**-7), sync_period=1, slow_step_size=0.125)
    for _ in range(2):
        optimizer.apply([tf.ones(3, tf.bfloat16)], [weight])
    slow = optimizer.variables[-1]
    assert (slow.name, slow.dtype) == ("weight_0_slow", "float32")
    assert slow.numpy()[0] == 1 - 2.0**-10 - 2.0**-10 + 2.0**-13  # the weights themselves were rounded to 1


def test_skipped_steps_do_not_count():
    """With one of them the second step that is taken synchronises, and not the second call."""
    (weight,) = variables_of([np.zeros(1)])
    optimizer = Lookahead(SGD(1.0, nonfinite="skip"), sync_period=2)
    found = []
    for gradient in (-1.0, np.nan, -1.0):
        optimizer.apply([tf.constant([gradient])], [weight])
        found.append(float(weight.numpy()[0]))
    assert found == [1.0, 1.0, 1.0]  # 1, skipped, halfway from 0 to 2


def test_two_replicas_synchronise_alike(two_replicas):
    """Sum of two gradients, then half of the way back, on both."""
    with two_replicas.scope():
        variables = variables_of([np.zeros(1)])
        optimizer = Lookahead(SGD(1.0), sync_period=2)
        optimizer.build(variables)
    step = tf.function(lambda: two_replicas.run(lambda: optimizer.apply([tf.ones(1)], variables)))
    step()
    step()
    assert [float(x[0]) for x in on_each(two_replicas, variables[0])] == [-2.0, -2.0]
