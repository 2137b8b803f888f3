"""Schedule-Free rules end a training with their average, go on from it, and show it where a moving average is shown."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import reference
from tests.library.devices import on_each
from tests.library.evaluation.models import FIT, QUIET, Stop, StoppedError, X, Y, compiled
from tests.library.harness import random_gradients, start_weights, stepper, values_of, variables_of
from tests.library.reference.stepwise import started
from tfoptim.callbacks import EvaluateAverage

ROUNDING = 1e-12  # float64, a few operations a step
FLOAT32 = 1e-5
ARGUMENTS = {"learning_rate": 0.1, "warmup_steps": 3}


def free(**arguments):
    """The optimizer of these tests."""
    return tfoptim.ScheduleFreeAdamW(**{**ARGUMENTS, **arguments})


def loop(w, gradients, **arguments):
    """Weights of training and of evaluation after these gradients."""
    walk = started(reference.schedule_free_adamw.steps(np.array(w), **ARGUMENTS, **arguments))
    for g in gradients:
        w = walk.send((w, g))
    return w, walk.send(None)


def train(optimizer, variables, gradients, mode="graph"):
    """Takes the steps, and ends the training."""
    step = stepper(optimizer, variables, mode)
    for gradient in gradients:
        step([tf.constant(g) for g in gradient])
    optimizer.finalize_variable_values(variables)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_training_ends_with_the_average_and_goes_on_as_if_it_had_not(mode):
    """The loop knows of no ends: the weights of the second training are those of one; each end may come twice."""
    gradients, variables, optimizer = random_gradients(12), variables_of(start_weights(), "float64"), free()
    optimizer.build(variables)
    for done in (5, 5, 12):
        train(optimizer, variables, gradients[int(optimizer.iterations.numpy()) : done], mode)
        for i, v in enumerate(variables):
            expected = loop(start_weights()[i], [g[i] for g in gradients[:done]])[1]
            np.testing.assert_allclose(v.numpy(), expected, rtol=0, atol=ROUNDING)


def test_the_average_is_shown_and_put_back_to_the_bit():
    """A context in a loop of one's own; within a saved file, the weights are the average, and known to be."""
    gradients, variables, optimizer = random_gradients(6), variables_of(start_weights(), "float64"), free()
    step = stepper(optimizer, variables, "eager")
    for gradient in gradients:
        step([tf.constant(g) for g in gradient])
    before = [w.tobytes() for w in values_of([*variables, *optimizer.variables])]
    with optimizer.averaged(variables):
        shown, store = values_of(variables), {}
        optimizer.save_own_variables(store)
    assert before == [w.tobytes() for w in values_of([*variables, *optimizer.variables])]
    for i, w in enumerate(shown):
        np.testing.assert_allclose(w, loop(start_weights()[i], [g[i] for g in gradients])[1], rtol=0, atol=ROUNDING)
    others, other = variables_of(shown, "float64"), free()
    other.build(others)
    other.load_own_variables(store)
    for v in (others, variables):
        (other if v is others else optimizer).apply([tf.constant(g) for g in gradients[0]], v)
    for a, b in zip(values_of(others), values_of(variables), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING)


def test_variables_without_gradient_return_to_training_too():
    """One number says of all which weights they have."""
    gradients, variables, optimizer = random_gradients(6), variables_of(start_weights(), "float64"), free()
    optimizer.build(variables)
    train(optimizer, variables, gradients[:4])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.constant(gradients[4][0]), None], variables)
    expected = loop(start_weights()[1], [g[1] for g in gradients[:4]])[0]
    np.testing.assert_allclose(variables[1].numpy(), expected, rtol=0, atol=ROUNDING)


def test_an_untrained_variable_keeps_its_bits():
    """Weights that have not moved are their own average, without rounding."""
    variables, optimizer = variables_of([np.full(7, 0.1)]), free()
    optimizer.build(variables)
    optimizer.finalize_variable_values(variables)
    optimizer.apply([tf.zeros(7)], variables)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_array_equal(variables[0].numpy(), np.full(7, 0.1, "float32"))


def gradients_of(weights):
    """Of the squared error of the linear model below, by hand."""
    kernel, bias = weights
    error = 2 * (X @ kernel + bias - Y) / Y.size
    return [X.T @ error, error.sum(0)]


def linear(optimizer):
    """A model whose gradients are known."""
    layer = keras.layers.Dense(1, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def followed(rules, weights, steps, first=None):
    """The loop's weights of training after steps on all data; the first gradient may be taken elsewhere."""
    for step in range(steps):
        slopes = gradients_of(weights if first is None or step else first)
        weights = [rule.send((w, g)) for rule, w, g in zip(rules, weights, slopes, strict=True)]
    return weights


@pytest.mark.parametrize("callback", [False, True], ids=["alone", "with EvaluateAverage"])
def test_fit_evaluate_save_load_and_fit_again(callback, tmp_path):
    """The weights of the loop, whose first gradient of the second `fit` is taken at x, or at y with the callback."""
    callbacks, whole = [EvaluateAverage()] * callback, {"batch_size": len(X), "verbose": 0}
    model = linear(free())
    start = [w.astype("float64") for w in values_of(model.trainable_variables)]
    rules = [started(reference.schedule_free_adamw.steps(w, **ARGUMENTS)) for w in start]
    history = model.fit(X, Y, epochs=4, validation_data=(X, Y), callbacks=callbacks, **whole).history
    y = followed(rules, start, 4)
    x = [walk.send(None) for walk in rules]
    assert_close(model, x)
    expected = np.mean((X @ x[0] + x[1] - Y) ** 2)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(expected, rel=FLOAT32)
    assert callback == (history["val_loss"][-1] == pytest.approx(expected, rel=FLOAT32))
    model.save(tmp_path / "it.keras")
    model = keras.models.load_model(tmp_path / "it.keras")
    assert_close(model, x)
    model.fit(X, Y, epochs=3, callbacks=callbacks, **whole)
    followed(rules, y, 3, None if callback else x)
    assert_close(model, [walk.send(None) for walk in rules])


def assert_close(model, expected):
    """In float32."""
    for w, x in zip(values_of(model.trainable_variables), expected, strict=True):
        np.testing.assert_allclose(w, x, rtol=0, atol=FLOAT32)


def test_an_interrupted_fit_leaves_the_weights_of_training(tmp_path):
    """As with a moving average; a checkpoint saved by the callback has the average, and training goes on from it."""
    path = tmp_path / "it.keras"
    model = compiled(free)
    save = keras.callbacks.ModelCheckpoint(path)
    with pytest.raises(StoppedError):
        model.fit(**FIT, epochs=2, callbacks=[EvaluateAverage(), save, Stop(2)])
    assert float(model.optimizer._runtime.shared["averaged"]) == 0
    saved = keras.models.load_model(path)
    assert float(saved.optimizer._runtime.shared["averaged"]) == 1
    loss = model.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)
    assert loss == saved.evaluate(X, Y, **QUIET) == saved.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)
    assert loss != model.evaluate(X, Y, **QUIET)


def test_a_moving_average_that_is_asked_for_is_what_training_ends_with():
    """Of the weights of training, as for every rule."""
    (v,), optimizer = variables_of([np.zeros(())], "float64"), free(use_ema=True, ema_momentum=0.5)
    path = tfoptim.simulate(free(), 0.0, [1.0, 2.0])
    for g in (1.0, 2.0):
        optimizer.apply([tf.constant(g, tf.float64)], [v])
    optimizer.finalize_variable_values([v])
    np.testing.assert_allclose(v.numpy(), path.mean(), rtol=0, atol=ROUNDING)


def test_replicas_turn_together(two_replicas):
    """Each device has the average, and then the weights of training."""
    gradients = random_gradients(6)
    with two_replicas.scope():
        variables, optimizer = variables_of(start_weights(), "float64"), free()
        optimizer.build(variables)

    @tf.function
    def step(gradient):
        two_replicas.run(lambda g: optimizer.apply([x / 2 for x in g], variables), args=(gradient,))

    for done in (4, 6):
        for gradient in gradients[int(optimizer.iterations.numpy()) : done]:
            step([tf.constant(g) for g in gradient])
        optimizer.finalize_variable_values(variables)
        for i, variable in enumerate(variables):
            expected = loop(start_weights()[i], [g[i] for g in gradients[:done]])[1]
            for w in on_each(two_replicas, variable):
                np.testing.assert_allclose(w, expected, rtol=0, atol=ROUNDING)


def test_accumulated_calls_after_an_end_return_to_training():
    """The first call of a cycle already does, so that only its gradient is taken at the average."""
    (v,) = variables_of([np.ones(3)], "float64")
    optimizer = free(gradient_accumulation_steps=2)
    for _ in range(4):
        optimizer.apply([tf.constant([1.0, 2.0, -1.0], tf.float64)], [v])
    training = v.numpy()
    optimizer.finalize_variable_values([v])
    assert not np.allclose(v.numpy(), training, rtol=1e-6)
    optimizer.apply([tf.constant([1.0, 2.0, -1.0], tf.float64)], [v])
    np.testing.assert_allclose(v.numpy(), training, rtol=0, atol=ROUNDING)


def test_a_group_with_another_rate_has_the_same_mean():
    """Its factor does not count in the weights of the mean, so it moves in proportion."""
    warm = {"warmup_steps": 4, "r": 0.5}
    groups = {"weight_1": {"learning_rate": 0.5}}
    optimizer, (a, b) = tfoptim.ScheduleFreeSGD(1.0, groups=groups, **warm), variables_of([np.zeros(3)] * 2, "float64")
    for g in random_gradients(6):
        optimizer.apply([tf.constant(g[1][:3]), tf.constant(2 * g[1][:3])], [a, b])
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)
    alone = tfoptim.simulate(optimizer, np.zeros(3), [2 * g[1][:3] for g in random_gradients(6)], path="weight_1")
    np.testing.assert_allclose(alone[-1], b.numpy(), rtol=1e-13)


def test_a_constant_rate_counts_steps_in_float32():
    """Stored in float32, the rate does not seem to grow, nor does the sum of weights stand still."""
    (v,), optimizer = variables_of([np.zeros(())]), tfoptim.ScheduleFreeSGD(0.0025)
    optimizer.build([v])
    step = tf.function(lambda: optimizer.apply([tf.zeros(())], [v]))
    for _ in range(100):
        step()
    assert float(optimizer._runtime.shared["n"]) == 100
