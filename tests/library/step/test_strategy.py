"""Two replicas train like one device that is fed the sum of their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import values_of
from tests.library.products import crossed

STEPS = 6
SETTINGS = {  # base arguments that act on reduced gradients, after the replicas have met
    "clipped average": {
        "global_clipnorm": 1.0,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 2,
    },
    "accumulated": {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.01},
}


def share(step, replica):
    """The gradients of two variables that one replica contributes at one step: dyadic, so sums are exact."""
    generator = np.random.default_rng(100 * step + replica)
    return [generator.integers(-64, 64, size) / np.float32(64) for size in ((3, 2), (2,))]


def begin(case, arguments):
    """Two variables, and the optimizer that is built for them."""
    variables = [keras.Variable(np.ones((3, 2))), keras.Variable(np.ones(2))]
    optimizer = case.make(**arguments)
    optimizer.build(variables)
    return optimizer, variables


def train_replicas(strategy, case, arguments):
    """The weights on every replica after all steps, in graph mode."""
    with strategy.scope():
        optimizer, variables = begin(case, arguments)
    shares = [
        tf.constant(np.stack([[share(s, r)[i] for r in range(2)] for s in range(STEPS)]), tf.float32) for i in range(2)
    ]

    def in_replica(step):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        optimizer.apply([s[step, replica] for s in shares], variables)

    run = tf.function(lambda step: strategy.run(in_replica, args=(step,)))
    for step in range(STEPS):
        run(tf.constant(step))
    return [on_each(strategy, v) for v in variables]


@crossed("setting", SETTINGS, in_turn=SETTINGS)
def test_replicas_train_like_one_device_with_summed_gradients(case, setting, two_replicas):
    """Clipping, accumulation and averaging see the sum; both replicas hold the same bits."""
    optimizer, variables = begin(case, SETTINGS[setting])
    for step in range(STEPS):
        summed = [a + b for a, b in zip(share(step, 0), share(step, 1), strict=True)]
        optimizer.apply([tf.constant(g) for g in summed], variables)
    found = train_replicas(two_replicas, case, SETTINGS[setting])
    for expected, (first, second) in zip(values_of(variables), found, strict=True):
        np.testing.assert_array_equal(first, second)
        # float32: the sums are exact, clipping and averaging may round in another order
        np.testing.assert_allclose(first, expected, rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("name", "make", "where"),
    [
        ("learning_rate", lambda: tfoptim.GD(9.0), 2 + 1 + 2 / 3),
        ("momentum", lambda: tfoptim.Momentum(1.0, 0.5), 2 + 3 + (2 + 3 / 3)),
    ],
)
def test_a_number_set_by_a_tensor_acts_on_both_replicas(name, make, where, two_replicas):
    """In replica context: steps of 1, 1/2 and 1/3 on the sum of two gradients."""
    with two_replicas.scope():
        weight, optimizer = keras.Variable([0.0]), make()
        optimizer.build([weight])

    def step():
        setattr(optimizer, name, 1 / tf.cast(optimizer.iterations + 1, tf.float32))
        optimizer.apply([tf.constant([-1.0])], [weight])

    run = tf.function(lambda: two_replicas.run(step))
    for _ in range(3):
        run()
    first, second = on_each(two_replicas, weight)
    assert first == second == pytest.approx([where], rel=1e-6)
    assert optimizer.given(name) == float(np.float32(1) / np.float32(3))


def test_apply_outside_of_a_replica_says_where_to_call_it():
    """Under a strategy's scope alone there is no replica to apply for."""
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        weight = keras.Variable(1.0)
        optimizer = tfoptim.SGD()
        optimizer.build([weight])
        with pytest.raises(ValueError, match=r"strategy\.run"):
            optimizer.apply([tf.constant(1.0)], [weight])
