"""Stopping conditions in `fit`: at which batch, why, and at what cost; `test_resumed.py` interrupts them."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tfoptim.callbacks import Budget, GradientNormBelow, NonFinite, RelativeDecreaseBelow, TargetReached
from tfoptim.full_loss import FullLoss
from tfoptim.stopping import condition as stopping

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")
PENALTY = 0.01


def linear(optimizer=None, **arguments):
    """A compiled linear model with a penalty."""
    keras.utils.set_random_seed(1)
    penalty = keras.regularizers.L2(PENALTY)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer=penalty)])
    model.compile(optimizer or tfoptim.SGD(0.1), "mse", jit_compile=False, **arguments)
    return model


def fit(model, *callbacks, epochs=50, verbose=0, **arguments):
    """Fits in batches of 8, 8 and 4."""
    given = {"batch_size": 8, "epochs": epochs, "shuffle": False, "callbacks": list(callbacks), "verbose": verbose}
    return model.fit(X, Y, **given, **arguments)


@pytest.mark.parametrize(
    ("condition", "compiling", "fitting", "reason"),
    [
        (Budget(steps=7), {}, {}, "budget: 7 steps are spent; after 7 steps, 48 gradients of examples, "),
        (Budget(steps=7), {"steps_per_execution": 2}, {}, "budget: 7 steps are spent; after 8 steps, 56 "),
        (Budget(gradients=21), {}, {"validation_data": (X, Y)}, "budget: 21 gradients .* after 4 steps, 28 "),
        (Budget(steps=2), {"optimizer": tfoptim.SGD(gradient_accumulation_steps=2)}, {}, "budget: .* 2 steps, 28 "),
        (NonFinite(), {"optimizer": tfoptim.SGD(1e12)}, {}, "non_finite: loss is (inf|nan); after [2-9] steps"),
        (TargetReached("val_loss", 1e9), {}, {"validation_data": (X, Y)}, "target: val_loss .* after 3 steps, 20 "),
        (RelativeDecreaseBelow(9.0, checks=1) & Budget(steps=7), {}, {}, "decrease: .* and budget: .* after 7 steps"),
    ],
    ids=["steps", "two per call", "gradients", "accumulation", "non-finite", "validation", "and"],
)
def test_fit_stops_at_the_very_batch(condition, compiling, fitting, reason):
    """And says why; twenty examples are three batches, the last of four."""
    model = linear(**compiling)
    fit(model, condition, **fitting)
    assert model.stop_training
    assert re.match(reason, condition.reason), condition.reason
    assert condition.cost.steps == int(keras.ops.convert_to_numpy(model.optimizer.iterations))


def gradient_at(model):
    """The gradient of mean square error and penalty over all examples, from its formula."""
    w, b = (v.numpy().astype("float64") for v in model.trainable_variables)
    error = 2 * (X @ w + b - Y) / len(X)
    return [X.T @ error + 2 * PENALTY * w, error.sum(0)]


@pytest.mark.parametrize("sizes", [20, 8])
def test_full_gradient_equals_its_formula(sizes):
    """Whatever the batches, also when the last one is short: the penalty counts once."""
    model = linear()
    full = FullLoss(model, tf.data.Dataset.from_tensor_slices((X, Y)).batch(sizes))
    _, gradient = full.value_and_gradient(model.trainable_variables)
    assert full.examples == 20
    for expected, actual in zip(gradient_at(model), gradient, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)  # float32


def test_gradient_norm_in_fit_is_that_of_the_data_and_is_charged():
    """It stops after the epoch at whose end the largest element is small, not before; each look costs 20 gradients."""
    norms, model = [], linear(tfoptim.SGD(0.1))
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: norms.append(max(np.abs(g).max() for g in gradient_at(model)))
    )
    condition = GradientNormBelow(0.05, (X, Y), batch_size=8)
    fit(model, condition, watch)
    assert condition.reason.startswith("gradient: the largest element of the gradient is 0.0")
    assert norms[-1] == pytest.approx(condition.last, rel=1e-4)  # float32
    assert norms[-1] <= 0.05 < min(norms[:-1])
    assert condition.cost.extra == condition.cost.examples == 20 * len(norms)


def test_gradient_norm_is_traced_once_in_a_training():
    """A graph for each check would fill the memory: one for whole batches, one for batches of any size."""
    condition = GradientNormBelow(1e-9, (X, Y), batch_size=8)
    fit(linear(tfoptim.SGD(0.1)), condition, epochs=4)
    assert condition.last is not None
    assert condition._full._gradient.experimental_get_tracing_count() <= 2


def test_budget_of_gradients_includes_those_of_another_condition():
    """Two epochs and two looks of twenty each are eighty: the third epoch's first batch is the end."""
    condition = GradientNormBelow(1e-9, tf.data.Dataset.from_tensor_slices((X, Y)).batch(5)) | Budget(gradients=81)
    fit(linear(), condition)
    assert condition.reason.startswith("budget: 81 gradients are spent; after 7 steps, 88 gradients of examples")


@pytest.mark.parametrize(("every_steps", "steps"), [(None, 3), (2, 2), (1, 1)])
def test_weights_are_looked_at_after_each_epoch_or_every_so_many_steps(every_steps, steps):
    """A NaN that the loss has not met yet."""

    def infect(batch, logs):
        if batch + 1 == steps:
            model.layers[0].bias.assign([np.nan])

    model, condition = linear(), NonFinite(every_steps)
    fit(model, keras.callbacks.LambdaCallback(on_train_batch_end=infect), condition)
    assert condition.reason.startswith(f"non_finite: a weight is not finite; after {steps} steps")


@pytest.mark.parametrize(
    ("condition", "verbose", "words"),
    [
        (Budget(steps=2) | NonFinite(), 2, "Training has ended. budget: 2 steps are spent; after 2 steps, "),
        (Budget(steps=2), 0, ""),
        (NonFinite(), 2, "Training has ended. epochs: all are done; after 6 steps, 40 gradients of examples, "),
    ],
    ids=["or", "silent", "end"],
)
def test_the_reason_is_printed_once_at_the_end(condition, verbose, words, capsys):
    """Also when nothing but the number of epochs has ended it; `verbose=0` prints nothing."""
    fit(linear(), condition, epochs=2, verbose=verbose)
    printed = capsys.readouterr().out
    assert printed.count("Training has ended") == bool(words)
    assert words in printed


def test_one_of_two_callbacks_says_that_it_was_not_the_one():
    """Not joined, each has its own reason."""
    first, second = Budget(steps=2), Budget(steps=20)
    fit(linear(), first, second)
    assert first.reason.startswith("budget: 2 steps")
    assert second.reason.startswith("other: another callback has stopped training; after 2 steps")


def test_a_second_fit_starts_over():
    """As callbacks of Keras do; steps are counted from its start."""
    model, condition = linear(), Budget(steps=4)
    for _ in range(2):
        fit(model, condition)
        assert condition.reason.startswith("budget: 4 steps are spent; after 4 steps, 28 ")
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 8


def test_seconds_are_those_of_batches_after_the_first_update(monkeypatch):
    """With one second from each look at the clock to the next: five of six batches, and no validation."""
    monkeypatch.setattr(stopping.time, "monotonic", itertools.count().__next__)
    condition = Budget(seconds=100)
    fit(linear(), condition, epochs=2, validation_data=(X, Y))
    assert condition.cost.seconds == 5


def test_gradient_norm_without_data_is_refused_before_training():
    """`fit` does not show its gradients; also within others."""
    model = linear()
    with pytest.raises(ValueError, match=r"GradientNormBelow: fit does not show its gradients: pass data=\(x, y\)"):
        fit(model, Budget(steps=1) | GradientNormBelow(1e-4))
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 0


def test_gradient_norm_of_data_works_in_other_loops_that_say_whose_it_is():
    """Without a model there is nothing to take the gradient of."""
    condition, model = GradientNormBelow(1e-9, (X, Y)), linear()
    with pytest.raises(ValueError, match=r"data needs a model: call set_model\(model\)"):
        condition.after_epoch({})
    condition.set_model(model)
    assert not condition.after_epoch({})
    assert condition.last == pytest.approx(max(np.abs(g).max() for g in gradient_at(model)), rel=1e-5)  # float32


def test_gradient_norm_of_no_data_is_refused():
    """The mean of nothing."""
    with pytest.raises(ValueError, match="the data are empty"):
        fit(linear(), GradientNormBelow(1.0, (X[:0], Y[:0])))


def test_gradients_cannot_be_counted_in_a_model_without_mean_loss():
    """The message says what is missing."""

    class Unusual(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Dense(1)

        def call(self, x):
            return self.layer(x)

        @property
        def metrics(self):
            return []

        def train_step(self, data):
            return {"loss": tf.constant(1.0)}

    model = Unusual()
    model.compile("sgd", "mse")
    model(X)
    with pytest.raises(ValueError, match="gradients cannot be counted: the model has no mean named 'loss'"):
        fit(model, Budget(gradients=10))
