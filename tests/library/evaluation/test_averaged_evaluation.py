"""Evaluation sees averaged weights, training its own, and nothing is left of the one in the other."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.evaluation.models import (
    FIT,
    QUIET,
    Look,
    X,
    Y,
    averaged,
    bits,
    compiled,
    copy_with_averages,
    sgd,
    shows_average,
    trained,
)
from tests.library.harness import values_of
from tfoptim.callbacks import EvaluateAverage
from tfoptim.schedules import SWA


def scaled():
    """Behind a loss scale that is small enough for the first step."""
    return tfoptim.LossScaleOptimizer(sgd(), initial_scale=8.0)


SETTINGS = {
    "eager": lambda _: {},
    "graph": lambda _: {"run_eagerly": False},
    "constraint": lambda _: {"constraint": keras.constraints.UnitNorm()},
    "mean of snapshots": lambda _: {"make": lambda: sgd(ema_momentum=SWA(0, 1))},
    "scaled loss": lambda _: {"make": scaled, "policy": "mixed_float16"},
    "half": lambda _: {"policy": "bfloat16"},
    "two replicas": lambda strategy: {"scope": strategy.scope, "run_eagerly": False},
}


REPLICAS = pytest.param("two replicas", marks=pytest.mark.slow)  # each `fit` of Keras on two takes seconds


@pytest.mark.parametrize("setting", [name if name != "two replicas" else REPLICAS for name in SETTINGS])
def test_evaluate_and_predict_use_the_average_and_leave_no_trace(setting, two_replicas):
    """The results are those of a model whose weights are the averages; then all is as it was, to the bit."""
    model = trained(**SETTINGS[setting](two_replicas))
    before, average = bits(model), EvaluateAverage()
    assert not shows_average(model)
    loss = model.evaluate(X, Y, callbacks=[average], **QUIET)
    predicted = model.predict(X, callbacks=[average], **QUIET)
    assert before == bits(model)
    other = copy_with_averages(model, **SETTINGS[setting](two_replicas))
    assert loss == other.evaluate(X, Y, **QUIET)
    assert loss != model.evaluate(X, Y, **QUIET)
    np.testing.assert_array_equal(predicted, other.predict(X, **QUIET))


@pytest.mark.parametrize("setting", ["graph", REPLICAS])
def test_fit_validates_the_average_and_trains_as_without(setting, two_replicas):
    """Every validation has the loss of the averages of its epoch; the training weights are undisturbed."""
    arguments, losses = SETTINGS[setting](two_replicas), []

    class ByHand(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel, bias, kernel_2, bias_2 = averaged(self.model)
            losses.append((logs["val_loss"], np.mean(((X @ kernel + bias) @ kernel_2 + bias_2 - Y) ** 2)))

    plain, model = trained(epochs=3, **arguments), compiled(**arguments)
    history = model.fit(**FIT, epochs=3, validation_data=(X, Y), callbacks=[EvaluateAverage(), ByHand()]).history
    for found, expected in losses:
        assert found == pytest.approx(expected, rel=1e-5)  # float32, summed in another order
    assert len(set(history["val_loss"])) == 3
    for expected, w in zip(averaged(plain), values_of(model.trainable_variables), strict=True):
        np.testing.assert_array_equal(w, expected)  # `fit` ends with the average


HOOKS = [f"on_{what}_{when}" for what in ("test", "predict") for when in ("batch_begin", "batch_end", "end")]


def test_other_callbacks_see_the_average_in_an_evaluation_and_the_weights_elsewhere():
    """Before it in the list or behind it; Keras has called those before it when the evaluation begins."""
    first, last = (Look(*HOOKS, "on_epoch_end", "on_train_batch_end") for _ in range(2))
    model, average = compiled(), EvaluateAverage()
    model.fit(**FIT, epochs=2, validation_data=(X, Y), callbacks=[first, average, last])
    for look in (first, last):
        assert [False, False] == look.seen.pop("on_epoch_end")
        assert not all(look.seen.pop("on_train_batch_end"))
        assert {
            "on_test_batch_begin": [True] * 4,
            "on_test_batch_end": [True] * 4,
            "on_test_end": [True] * 2,
        } == look.seen
        look.seen.clear()
    model = trained()
    model.predict(X, callbacks=[first, average, last], **QUIET)
    assert all(first.seen["on_predict_end"] + first.seen["on_predict_batch_begin"] + last.seen["on_predict_batch_end"])


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_checkpoints_have_the_average(order, save_freq, tmp_path):
    """Of the last epoch, or the last batch; and training goes on with its own weights."""
    path = tmp_path / "it.weights.h5"
    save = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=save_freq)
    model = trained(*[EvaluateAverage(), save][::order], epochs=2)
    assert not shows_average(model)
    weights = values_of(model.trainable_variables)
    for expected, w in zip(weights, values_of(trained(epochs=2).trainable_variables), strict=True):
        np.testing.assert_array_equal(w, expected)
    expected = averaged(model)
    model.load_weights(path)
    for average, w in zip(expected, values_of(model.trainable_variables), strict=True):
        np.testing.assert_array_equal(w, average)


def test_early_stopping_keeps_and_restores_the_best_average():
    """The best epoch is the first, if only a loss that rises improves."""
    stopping = keras.callbacks.EarlyStopping("val_loss", mode="max", patience=5, restore_best_weights=True)
    model = compiled()
    model.fit(**FIT, epochs=3, validation_data=(X, Y), callbacks=[stopping, EvaluateAverage()])
    expected = averaged(trained(epochs=stopping.best_epoch + 1))
    for average, w in zip(expected, values_of(model.trainable_variables), strict=True):
        np.testing.assert_array_equal(w, average)


def test_a_loop_of_ones_own_evaluates_the_average():
    """Within a context, which a second one within it does not change."""
    model = trained()
    before, optimizer = bits(model), model.optimizer
    with optimizer.averaged(model.trainable_variables), optimizer.averaged(model.trainable_variables):
        assert shows_average(model)
    assert before == bits(model)


def test_a_model_that_has_not_been_trained_is_evaluated_as_it_is():
    """Its averages are those of nothing yet, whether the optimizer is built or not."""
    model = compiled()
    for build in (lambda variables: None, model.optimizer.build):
        build(model.trainable_variables)
        assert model.evaluate(X, Y, **QUIET) == model.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)


def test_a_variable_without_an_average_is_evaluated_as_it_is():
    """Such as a number that the optimizer knows, and does not train."""
    weight, count = keras.Variable([1.0]), keras.Variable(3, dtype="int32", trainable=False)
    optimizer = tfoptim.SGD(0.5, use_ema=True, ema_momentum=0.5)
    optimizer.build([weight, count])
    for _ in range(2):
        optimizer.apply([tf.ones(1)], [weight])
    with optimizer.averaged([weight, count]):
        assert (0.25, 3) == (float(weight[0]), int(count))


class OfStart(tfoptim.GD):
    """Has an average of its own: half of the weights, half of those at the start, which are a slot."""

    slots = {"start": lambda w: w}  # noqa: RUF012  as a rule declares them

    @property
    def averages(self):
        """Always."""
        return True

    def average_weights(self, variables):
        """From the variables and slots of one device."""
        slots = [self._runtime.slots[self._get_variable_index(v)]["start"] for v in variables]
        return [(v.value + s.value) / 2 for v, s in zip(variables, slots, strict=True)]


@pytest.mark.parametrize("make", [lambda: OfStart(0.5), lambda: tfoptim.SGD(0.5, use_ema=True, ema_momentum=0.5)])
def test_averages_come_and_go_on_each_replica(make, two_replicas):
    """A moving average, and one that a rule has of its own: from 1 by .5 to 0, both are .5 or .25."""
    with two_replicas.scope():
        weight, optimizer = keras.Variable([1.0]), make()
        optimizer.build([weight])
    expected = 0.5 if isinstance(optimizer, OfStart) else 0.25
    for _ in range(2):
        two_replicas.run(lambda: optimizer.apply([tf.constant([0.5])], [weight]))
    with optimizer.averaged([weight]):
        assert [expected] * 2 == on_each(two_replicas, weight)
    assert [0.0] * 2 == on_each(two_replicas, weight)
    optimizer.finalize_variable_values([weight])
    assert [expected] * 2 == on_each(two_replicas, weight)


def test_a_rule_may_have_an_average_of_its_own():
    """It defines `averages` and `average_weights`; the callback and the end of `fit` follow."""
    start, model = values_of(compiled().trainable_variables), trained(make=lambda: OfStart(0.1))
    weights = values_of(model.trainable_variables)
    loss = model.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    assert loss == model.evaluate(X, Y, **QUIET)
    for a, b, final in zip(start, weights, values_of(model.trainable_variables), strict=True):
        np.testing.assert_array_equal(final, (a + b) / 2)


def test_resumed_training_is_the_same_with_it_in_any_order(tmp_path):
    """Stopped after each epoch, and validated at each: to the last bit."""

    def train(folder, order, epochs):
        model = compiled()
        resume = tfoptim.callbacks.Resume(folder, every_steps=1)
        callbacks = [EvaluateAverage(), resume][::order]
        model.fit(**FIT, epochs=epochs, initial_epoch=resume.epoch, validation_data=(X, Y), callbacks=callbacks)
        return bits(model), resume.history

    expected = train(tmp_path / "whole", 1, 2)
    for order in (1, -1):
        for epochs in (1, 2):
            resumed = train(tmp_path / str(order), order, epochs)
        assert expected == resumed


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (tfoptim.SGD(), r"^EvaluateAverage: SGD keeps no average of the weights: compile it with one of tfoptim"),
        (keras.optimizers.Adam(use_ema=True), "EvaluateAverage: Adam keeps no average"),
        (None, "EvaluateAverage: the model has no optimizer"),
    ],
    ids=["no average", "Keras", "none"],
)
def test_an_optimizer_without_average_is_refused(optimizer, words):
    """Before anything is computed."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    if optimizer is not None:
        model.compile(optimizer, "mse")
    with pytest.raises(ValueError, match=words):
        model.predict(X, callbacks=[EvaluateAverage()], **QUIET)


def test_what_cannot_work_is_refused_in_one_sentence():
    """A second callback that swaps, hooks called by hand, data that are used up, and a context without average."""
    for other in (keras.callbacks.SwapEMAWeights(), EvaluateAverage()):
        with pytest.raises(ValueError, match="both swap weights: list one of them"):
            compiled().fit(**FIT, callbacks=[EvaluateAverage(), other])
    average = EvaluateAverage()
    average.set_model(compiled())
    with pytest.raises(ValueError, match=r"acts within fit, evaluate and predict\. In a loop of your own, use `with"):
        average.on_test_begin()
    with pytest.raises(TypeError, match="batch_norm_data is read before each evaluation, and a generator can be"):
        EvaluateAverage(batch_norm_data=(x for x in X))
    for use in (tfoptim.Adam().average_weights, lambda v: tfoptim.Adam().averaged(v).__enter__()):
        with pytest.raises(ValueError, match=r"keeps no average of the weights: .* as in Adam\(use_ema=True\)\.$"):
            use([])
