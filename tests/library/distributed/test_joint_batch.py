"""Several devices train like one that sees the joint batch, whatever is switched on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.distributed.training import ROWS, SCALE, STEPS, VARIANTS, data
from tests.library.distributed.workers import CHOSEN
from tests.library.products import BEYOND
from tfoptim.callbacks import Budget, GradientNormBelow, NonFinite, RelativeDecreaseBelow

# Float32, relative to the largest weight: the gradients of a batch are summed in another order.
ROUNDING = 2e-7
WORKERS = [variant for variant in VARIANTS if str(variant) in CHOSEN]


def each(variants):
    """The variants; in the fast lane one of each kind of step."""
    marked = [pytest.param(v, id=str(v), marks=() if str(v) in CHOSEN else BEYOND) for v in variants]
    return pytest.mark.parametrize("variant", marked)


def assert_equal_to_rounding(expected, actual):
    """Each variable of `actual` has copies of the same bits, and the values of `expected`."""
    largest = max(np.max(np.abs(copies[0])) for copies in expected)
    for (wanted,), (first, *others) in zip(expected, actual, strict=True):
        assert all(first == other for other in others)
        np.testing.assert_allclose(first, wanted, rtol=0, atol=ROUNDING * largest)


@each(VARIANTS)
def test_two_replicas_train_like_one_device(variant, replicated):
    """`fit` on two replicas gives both the weights of one device, repeated and shared rows included."""
    one, two = replicated(variant)["single"], replicated(variant)["mirrored"]
    assert all(len(copies) == 2 for copies in two["weights"])
    assert_equal_to_rounding(one["weights"], two["weights"])


@each(VARIANTS)
def test_replicas_hold_the_same_state(variant, replicated):
    """Slots, averages, counters and shared state have the same bits on both replicas."""
    assert replicated(variant)["mirrored"]["state_is_equal"]


@each(VARIANTS)
def test_replicas_count_the_steps_that_are_taken(variant, replicated):
    """A NaN on either replica costs both of them one step, and one only."""
    every = STEPS // variant.arguments.get("gradient_accumulation_steps", 1)
    expected = every - variant.skips
    for result in replicated(variant).values():
        assert result["steps"] == expected
        assert result["scale"] == ((SCALE / 2 if variant.skips else SCALE) if variant.scaled else None)


@each([v for v in VARIANTS if v.skips])
def test_a_skipped_step_leaves_finite_weights(variant, replicated):
    """The comparison with one device is no comparison of NaN with NaN."""
    assert all(np.isfinite(copies).all() for copies in replicated(variant)["mirrored"]["weights"])


@pytest.mark.slow
@pytest.mark.parametrize("variant", WORKERS, ids=str)
def test_two_workers_train_like_one_device(variant, distributed, replicated):
    """Two processes on the loopback address end with the bits of each other and the weights of one device."""
    one = replicated(variant)["single"]
    first, second = (worker[str(variant)] for worker in distributed)
    assert first == second
    assert first["steps"] == one["steps"]
    assert first["scale"] == one["scale"]
    assert_equal_to_rounding(one["weights"], first["weights"])


def test_loss_scale_of_keras_is_warned_of_where_a_strategy_is_that_of_several_workers(two_replicas, monkeypatch):
    """The same sentence in one process, whose strategy is taken for theirs."""
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", type(two_replicas))
    with two_replicas.scope():
        weight = keras.Variable([1.0])
        optimizer = keras.optimizers.LossScaleOptimizer(tfoptim.SGD(1.0), initial_scale=2.0)
        optimizer.build([weight])
    step = tf.function(lambda: two_replicas.run(lambda: optimizer.apply([tf.constant([0.5])], [weight])))
    with pytest.warns(UserWarning, match=r"Compile with tfoptim\.LossScaleOptimizer"):
        step()
    assert weight.numpy() == [0.5]


@pytest.mark.slow
def test_loss_scale_of_keras_on_several_workers_is_warned_of(distributed):
    """Its workers decide each by itself whether to step: one may wait for ever for another that has skipped."""
    for worker in distributed:
        assert any("Compile with tfoptim.LossScaleOptimizer" in text for text in worker["warnings"])


@pytest.mark.slow
def test_every_feature_has_an_effect(replicated):
    """No two variants end alike, unless they skip the same step on one replica or the other."""
    ends = {}
    for variant in VARIANTS:
        end = replicated(variant)["single"]
        ends.setdefault(str((end["weights"], end["scale"])), set()).add(str(variant).rstrip("01"))
    assert all(len(names) == 1 for names in ends.values()), ends.values()


def test_the_rows_repeat_in_every_way():
    """At each step some rows are looked up twice in a replica, some in both, and some not at all."""
    for rows in data()[0].reshape(STEPS, 2, -1):
        first, second = map(set, rows.tolist())
        assert len(first) < rows.shape[1]
        assert first & second
        assert len(first | second) < ROWS


X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X @ np.float32([[1], [2], [3]])


def stop(strategy):
    """Trains until a condition of all kinds together is met; returns the number of epochs, and the condition."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer=tfoptim.Momentum(0.05), loss="mse")
    small = GradientNormBelow(0.1, (X, Y)) | Budget(steps=90) | NonFinite(every_steps=3)
    condition = small & RelativeDecreaseBelow(0.9)
    history = model.fit(X, Y, batch_size=8, epochs=40, shuffle=False, verbose=0, callbacks=[condition])
    return len(history.epoch), condition


@pytest.mark.slow
def test_conditions_stop_replicas_where_they_stop_one_device(two_replicas):
    """Steps and examples are those of the joint batch, and the gradient is that of the weights that all share."""
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        epochs, condition = stop(strategy)
        assert epochs == 14, "neither at once nor at the end of the budget"
        cost = condition.cost
        assert [56, 14 * 32, 14 * 32] == [cost.steps, cost.examples, cost.extra]
        assert condition.reason.startswith("gradient: the largest element of the gradient is 0.096, at most 0.1")
