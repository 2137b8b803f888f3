"""Stopping conditions stop where their definition says, and say why; `test_in_fit.py` runs them in `fit`."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfoptim.callbacks import (
    Budget,
    GradientNormBelow,
    NoImprovement,
    NonFinite,
    RelativeDecreaseBelow,
    TargetReached,
)
from tfoptim.stopping import condition as stopping

INF, NAN = math.inf, math.nan


def epochs_of(condition, values, name="loss"):
    """How many of these values, one an epoch, were seen when it stopped; None if it did not."""
    return next((i for i, value in enumerate(values, 1) if condition.after_epoch({name: value})), None)


# Each by its definition


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([2.0, 2.2, 1.0, 1.0, 1.0], 5),  # 9% up; half; then twice nothing
        ([20.0, 19.0, 18.1], 3),  # 5% of 20, then 4.7% of 19
        ([0.5, 0.45, 0.4], 3),  # less than 1 counts as 1: each change is 0.05
        ([2.0, 1.0, 1.0, 2.0, 2.0, 2.0], 6),  # counts from 0 again
        ([NAN, NAN, NAN, NAN], None),
        ([3.0, 2.0, 1.0, 0.5], None),
        ([1.0], None),
    ],
)
def test_decrease_is_small_twice_in_a_row(values, stops):
    """|f_(k-1) - f_k| <= 0.05 max(|f_(k-1)|, |f_k|, 1), for two k in a row."""
    condition = RelativeDecreaseBelow(0.05, checks=2)
    assert stops == epochs_of(condition, values)
    assert (condition.reason or "decrease: loss went").startswith("decrease: loss went")


@pytest.mark.parametrize(
    ("options", "values", "stops"),
    [
        ({}, [3.0, 2.0, 2.0, 2.5, 1.0], 4),
        ({}, [3.0, 2.0, 2.5, 1.9, 2.0, 2.0], 6),
        ({"min_delta": 0.5}, [3.0, 2.6, 2.5, 2.0], 3),  # 2.5 is not less than 3 - 0.5
        ({"mode": "max"}, [1.0, 2.0, 2.0, 1.0], 4),
        ({}, [NAN, NAN], 2),
        ({}, [1.0, NAN, 0.5, 0.4], None),
    ],
)
def test_no_improvement_for_two_checks(options, values, stops):
    """Strictly better than the best so far by more than `min_delta`, or it counts."""
    assert stops == epochs_of(NoImprovement(2, "loss", **options), values)


def test_no_improvement_stops_where_early_stopping_of_keras_does():
    """The same rule, over random walks of sixty epochs."""
    for seed in range(20):
        values = np.cumsum(np.random.default_rng(seed).normal(size=60))
        theirs = keras.callbacks.EarlyStopping("loss", min_delta=0.1, patience=4, mode="min")
        theirs.set_model(keras.Sequential())
        theirs.model.stop_training = False
        theirs.on_train_begin()
        for stopped, value in enumerate(values, 1):
            theirs.on_epoch_end(stopped - 1, {"loss": value})
            if theirs.model.stop_training:
                break
        assert theirs.model.stop_training
        assert stopped == epochs_of(NoImprovement(4, "loss", min_delta=0.1), values)


@pytest.mark.parametrize(
    ("monitor", "target", "mode", "values", "stops"),
    [
        ("val_loss", 0.5, None, [0.6, 0.5, 0.4], 2),
        ("val_accuracy", 0.9, None, [0.8, 0.89, 0.9], 3),
        ("dice", 0.9, "max", [0.8, 0.95], 2),
        ("error", -1, "min", [0.0, NAN, -2.0], 3),
    ],
)
def test_target_is_reached(monitor, target, mode, values, stops):
    """At most the target for losses, at least for accuracies; other names need the mode."""
    condition = TargetReached(monitor, target, mode)
    assert stops == epochs_of(condition, values, monitor)
    assert condition.reason.startswith(f"target: {monitor} is {values[stops - 1]:g}, at ")


@pytest.mark.parametrize(
    ("gradients", "options", "stops"),
    [
        ([[0.3, -0.2], [0.05, -0.125]], {}, 2),
        ([[0.09, -0.09], [0.05, -0.05]], {"norm": "euclidean"}, 2),
        ([[50.0, 0.0], [7.0, 0.0], [6.0, 0.0]], {"relative": True}, 3),
        ([[0.5, 0.0], [0.13, 0.0], [0.125, 0.0]], {"relative": True}, 3),
        ([[NAN, 0.0], [INF, 0.0]], {}, None),
    ],
)
def test_gradient_norm_is_below(gradients, options, stops):
    """The largest element, or the 2-norm, over all variables; relative to max(1, first)."""
    condition = GradientNormBelow(0.125, **options)
    given = [[tf.constant(a), None, tf.constant([[b]])] for a, b in gradients]
    assert stops == next((i for i, g in enumerate(given, 1) if condition.after_step(gradients=g)), None)


def test_gradient_norm_counts_rows_and_half_precision():
    """Sparse gradients are added up; float16 squares do not overflow."""
    rows = tf.IndexedSlices(tf.constant([[0.3], [0.4]]), tf.constant([1, 1]), tf.constant([3, 1]))
    large = tf.constant([300.0, 400.0], tf.float16)
    condition = GradientNormBelow(0.1, norm="euclidean")
    condition.after_step(gradients=[rows])
    assert condition.last == pytest.approx(0.7)
    condition.after_step(gradients=[large])
    assert condition.last == 500.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": INF}, "non_finite: loss is inf"),
        ({"gradients": [tf.constant([1.0]), tf.constant([NAN])]}, "non_finite: a gradient"),
        ({"weights": [keras.Variable([1.0, -INF])]}, "non_finite: a weight"),
        ({"weights": [keras.Variable(3, dtype="int64")], "loss": tf.constant(1.0), "gradients": [np.ones(2)]}, None),
    ],
    ids=["loss", "gradient", "weight", "nothing"],
)
def test_anything_that_is_not_finite_is_found(given, words):
    """In whatever a loop hands over."""
    condition = NonFinite()
    assert bool(words) == condition.after_step(**given)
    assert (condition.reason or "None").startswith(str(words))


def test_budgets_count_steps_gradients_and_seconds(monkeypatch):
    """The clock begins with the first step; 2 seconds a step, 32 examples a step."""
    now = iter(range(100, 200, 2))
    monkeypatch.setattr(stopping.time, "monotonic", lambda: next(now))
    for condition, stops in (
        (Budget(steps=3), 3),
        (Budget(gradients=65), 3),
        (Budget(seconds=4), 3),
        (Budget(steps=9, gradients=128, seconds=100.0), 4),
    ):
        assert stops == next(i for i in range(1, 99) if condition.after_step(examples=32))
        assert condition.reason.startswith("budget: ")
    assert condition.reason == "budget: 128 gradients are spent; after 4 steps, 128 gradients of examples, 6.0 s"


# Together


def test_or_stops_with_the_first_and_and_with_the_last():
    """Three steps, and a loss of at most 1 in the latest epoch."""
    losses = [0.5, 2.0, 2.0, 0.9, 0.8]
    for join, stops in ((lambda a, b: a | b, 1), (lambda a, b: a & b, 4)):
        condition = join(TargetReached("loss", 1.0), Budget(steps=3))
        found = None
        for i, loss in enumerate(losses, 1):
            if condition.after_step() or condition.after_epoch({"loss": loss}):
                found = i
                break
        assert stops == found
    assert condition.reason.startswith("target: loss is 0.9, at most 1 and budget: 3 steps are spent; after 4 steps")


@pytest.mark.parametrize("swap", [False, True])
def test_the_reason_is_the_gravest_in_whatever_order(swap):
    """A training that fails in its last step has failed, it has not used up its budget."""
    parts = [Budget(steps=1), NonFinite() & Budget(steps=1) | NonFinite()]
    condition = parts[swap] | parts[not swap]
    assert condition.after_step(loss=NAN)
    assert condition.reason.startswith("non_finite: loss is nan; after 1 steps")


def test_conditions_join_conditions_only():
    """Python says what does not fit."""
    for join in (lambda: Budget(steps=1) | 3, lambda: Budget(steps=1) & None):
        with pytest.raises(TypeError, match="unsupported operand"):
            join()


def test_state_goes_through_json_and_on():
    """Half of a loop here, half there: the same stop, the same reason but for the seconds."""

    def make():
        return NoImprovement(3, "loss") | (RelativeDecreaseBelow(1e-3) & Budget(steps=99)) | GradientNormBelow(1e-9)

    values = [3.0, 2.0, 2.5, 2.5, 2.6, 2.7]
    whole, first, second = make(), make(), make()
    for condition, part in ((whole, values), (first, values[:3]), (second, values[3:])):
        if condition is second:
            condition.state = json.loads(json.dumps(first.state))
        for value in part:
            if condition.after_step(gradients=[np.ones(2)], examples=4) or condition.after_epoch({"loss": value}):
                break
    assert whole.reason.startswith("no_improvement: loss has not been better than 2.0 for 3 checks; after 5 steps, 20")
    assert whole.reason.split(", ")[:2] == second.reason.split(", ")[:2]
    second.reset()
    assert (None, 0) == (second.reason, second.cost.gradients)
