"""Schedule-Free rules, and others that compute weights from slots, in wrappers, interrupted, resumed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.evaluation.models import FIT, compiled
from tests.library.evaluation.test_own_average import ROUNDING, free, loop
from tests.library.harness import random_gradients, start_weights, stepper, values_of, variables_of
from tests.library.interrupted import state, train
from tfoptim.callbacks import EvaluateAverage


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_a_part_of_several_optimizers_ends_with_its_average_and_goes_on(mode):
    """The weights of the other part stay; each follows its loop through two trainings."""
    gradients, start = random_gradients(9), start_weights()
    variables, optimizer = variables_of(start, "float64"), tfoptim.MultiOptimizer(tfoptim.Adam(0.1), {"_1": free()})
    optimizer.build(variables)
    step = stepper(optimizer, variables, mode)
    other = tfoptim.simulate(tfoptim.Adam(0.1), start[0], [g[0] for g in gradients])
    for first, end in ((0, 5), (5, 9)):
        for gradient in gradients[first:end]:
            step([tf.constant(g) for g in gradient])
        training, average = loop(start[1], [g[1] for g in gradients[:end]])
        np.testing.assert_allclose(variables[1].numpy(), training, rtol=0, atol=ROUNDING)
        with optimizer.averaged(variables):
            np.testing.assert_allclose(variables[1].numpy(), average, rtol=0, atol=ROUNDING)
        optimizer.finalize_variable_values(variables)
        np.testing.assert_allclose(variables[0].numpy(), other[end - 1], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(variables[1].numpy(), average, rtol=0, atol=ROUNDING)


def scaled(optimizer):
    """With a factor on the loss that does not round."""
    return tfoptim.LossScaleOptimizer(optimizer, initial_scale=8.0)


@pytest.mark.parametrize(
    ("wrapped", "callbacks"),
    [
        (lambda: scaled(free()), []),
        (lambda: scaled(tfoptim.MultiOptimizer(free(), {"bias": free()})), [EvaluateAverage()]),
    ],
    ids=["LossScaleOptimizer, alone", "both, with EvaluateAverage"],
)
def test_fit_and_fit_again_in_a_wrapper_are_those_of_the_rule(wrapped, callbacks):
    """One rule for all variables is the rule."""

    def weights(make):
        model = compiled(make)
        for _ in range(2):
            history = model.fit(**FIT, epochs=1, validation_data=(FIT["x"], FIT["y"]), callbacks=callbacks).history
        return [history["val_loss"][-1], *values_of(model.trainable_variables)]

    for found, expected in zip(weights(wrapped), weights(free), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)  # float32; the rule in another order


@pytest.mark.parametrize("rule", [free, tfoptim.ScheduleFreeSGD, tfoptim.COCOB])
def test_lookahead_refuses_rules_that_compute_weights_from_slots(rule):
    """Their next step would undo what it does."""
    with pytest.raises(TypeError, match=r"^Lookahead: .* computes weights from its slots, which undoes"):
        tfoptim.Lookahead(rule())


def test_sam_keeps_the_average_of_the_rule():
    """The loss is linear, so the gradient is the same nearby."""
    (v,), optimizer = variables_of([np.ones(3)], "float64"), tfoptim.SAM(free())
    for _ in range(4):
        optimizer.apply(optimizer.gradients(lambda: tf.reduce_sum(v.value * [1.0, -2.0, 3.0]), [v]), [v])
    optimizer.finalize_variable_values([v])
    expected = loop(np.ones(3), [np.array([1.0, -2.0, 3.0])] * 4)[1]
    np.testing.assert_allclose(v.numpy(), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_between_two_variables_leaves_all_weights_of_training(error, monkeypatch):
    """Ctrl-C may come at any time; one number says of all variables which weights they have."""
    variables, optimizer = variables_of(start_weights()), free()
    for gradient in random_gradients(3):
        optimizer.apply([tf.constant(g, "float32") for g in gradient], variables)
    before, calls = [v.tobytes() for v in values_of([*variables, *optimizer.variables])], []

    def interrupted(h, w, s):
        calls.append(1)
        if len(calls) == len(variables):
            raise error
        return 0 * w

    monkeypatch.setattr(tfoptim.ScheduleFreeAdamW, "evaluated", staticmethod(interrupted))
    with pytest.raises(error):
        optimizer.finalize_variable_values(variables)
    assert len(calls) == len(variables) > 1
    assert before == [v.tobytes() for v in values_of([*variables, *optimizer.variables])]


def test_an_interrupted_training_resumes_to_the_last_bit(tmp_path):
    """Weights of training and slots come back, and what `fit` ends with is the average of both."""
    arguments = {"make": free, "run_eagerly": True}
    expected, _ = train(tmp_path / "whole", **arguments)
    train(tmp_path / "parts", 5, **arguments)
    found, _ = train(tmp_path / "parts", **arguments)
    assert [values for _, values in state(found)] == [values for _, values in state(expected)]
    assert float(found.optimizer._runtime.shared["averaged"]) == 1


def test_cocob_is_a_part_without_a_rate():
    """First or not; the rate of the whole is then 1, as Keras's TensorBoard reads."""
    start, gradients = start_weights(), random_gradients(4)
    variables = variables_of(start, "float64")
    optimizer = tfoptim.MultiOptimizer(tfoptim.COCOB(), {"_1": tfoptim.COCOB(alpha=2.0)})
    for gradient in gradients:
        optimizer.apply([tf.constant(g) for g in gradient], variables)
    for i, alpha in enumerate((100.0, 2.0)):
        expected = tfoptim.simulate(tfoptim.COCOB(alpha=alpha), start[i], [g[i] for g in gradients])[-1]
        np.testing.assert_allclose(variables[i].numpy(), expected, rtol=0, atol=ROUNDING)
    assert [optimizer.learning_rate, *(part.learning_rate for part in optimizer.optimizers)] == [1.0] * 3
    with pytest.raises(AttributeError, match="COCOB has no learning_rate"):
        optimizer.learning_rate = 0.1


def test_a_callback_that_sets_rates_fails_with_cocob_in_one_sentence():
    """Rather than without effect."""
    model = compiled(tfoptim.COCOB)
    with pytest.raises(AttributeError, match="COCOB has no learning_rate"):
        model.fit(**FIT, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)])


def test_what_is_no_float_has_no_average():
    """Such as the state of a random generator, which Keras gives to `build` among the weights of a model."""
    weight, seed = variables_of([np.ones(2)])[0], keras.Variable([1, 2], dtype="int32", trainable=False)
    optimizer = free()
    optimizer.build([weight, seed])
    optimizer.apply([tf.ones(2)], [weight])
    optimizer.finalize_variable_values([weight, seed])
    np.testing.assert_array_equal(optimizer.average_weights([weight, seed])[1], [1, 2])
    optimizer.apply([tf.ones(2)], [weight])
    np.testing.assert_array_equal(seed.numpy(), [1, 2])


@pytest.mark.parametrize("method", ["evaluated", "trained"])
def test_a_rule_with_an_average_must_say_how_to_compute_it(method):
    """The message has the method and its arguments."""
    with pytest.raises(NotImplementedError, match=rf"SGD must define {method}\(h, w, s\)"):
        getattr(tfoptim.SGD(), method)(None, 1.0, None)
