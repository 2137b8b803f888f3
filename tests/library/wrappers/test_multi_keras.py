"""MultiOptimizer and Keras: its callbacks, and its own class of that name, which comes over with its state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.saving.models import X, Y, compiled, network
from tfoptim import SGD, Adam, MultiOptimizer

HAS_ONE = hasattr(keras.optimizers, "MultiOptimizer")  # Keras 3.14 and later
needs_one = pytest.mark.skipif(not HAS_ONE, reason="this Keras has no MultiOptimizer")


def joined(**arguments):
    """An optimizer for kernels and one for biases."""
    return MultiOptimizer(SGD(0.5, name="a"), {"bias": SGD(0.25, name="b")}, **arguments)


def test_callbacks_find_the_learning_rate():
    """That of the default; and those of all parts, where Keras knows of optimizers that are joined."""
    model = compiled(network(3), joined())
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=100.0)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[scheduler, plateau]).history
    rates = [float(part.learning_rate) for part in model.optimizer.optimizers]
    assert rates == [0.0625, 0.03125 if HAS_ONE else 0.25]  # halved twice by one, once by the other
    assert history["learning_rate_a" if HAS_ONE else "learning_rate"] == [0.25, 0.125]


def test_averages_are_swapped_for_evaluation():
    """By Keras's callback, which asks the parts in later versions, and the whole in earlier ones."""
    model = compiled(network(3), joined(use_ema=True, ema_momentum=0.5))
    seen = {}

    class Seeing(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            """Keeps the weights of the evaluation, before they are swapped back."""
            seen["weights"] = model.get_weights()

    model.fit(X, Y, epochs=1, verbose=0)
    averages = [v.numpy() for v in model.optimizer._model_variables_moving_average]
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0, callbacks=[Seeing(), keras.callbacks.SwapEMAWeights()])
    for found, average in zip(seen["weights"], averages, strict=True):
        np.testing.assert_allclose(found, average, rtol=1e-6, atol=1e-7)  # swapped by sums and differences
    for found, start in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(found, start, rtol=1e-6, atol=1e-6)


def theirs(parts=None, default=None, **arguments):
    """Keras's own, for two variables."""
    default = default or keras.optimizers.Adam(0.1)
    chosen = keras.optimizers.OptimizerMap(default, parts or {"weight_1": keras.optimizers.SGD(0.1, momentum=0.9)})
    return keras.optimizers.MultiOptimizer(chosen, **arguments)


SAME = {  # not both: Keras moves the average at calls that only accumulate, too
    "plain": {},
    "sums": {"gradient_accumulation_steps": 2, "clipnorm": 1.0},
    "averages": {"use_ema": True, "ema_momentum": 0.5},
}


@needs_one
@pytest.mark.parametrize("same", SAME.values(), ids=SAME)
@pytest.mark.parametrize("steps", [0, 3])
def test_one_of_keras_goes_on_as_ours(steps, same):
    """Before it is built, and in the middle of training; float32 apart by rounding."""
    part = keras.optimizers.Nadam(0.1, weight_decay=0.1, **same)
    original = theirs({"weight_1": part}, keras.optimizers.Adam(0.1, **same), loss_scale_factor=2.0)
    variables, gradients = variables_of(start_weights()), random_gradients(6)
    for step in gradients[:steps]:
        original.apply([tf.constant(g, "float32") for g in step], variables)
    copies = variables_of(values_of(variables))
    ours = tfoptim.from_keras(original)
    if not steps:
        assert ours.get_config()["parts"].keys() == {"^(?:weight_1)$"}
        ours.build(variables)
        original.build(variables)
    ends = []
    for optimizer in (original, ours):
        for variable, start in zip(variables, values_of(copies), strict=True):
            variable.assign(start)
        for step in gradients[steps:]:
            optimizer.apply([tf.constant(g, "float32") for g in step], variables)
        ends.append(values_of(variables))
        optimizer.finalize_variable_values(variables)
        ends[-1] += values_of(variables)
    for expected, actual in zip(*ends, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=3e-5, atol=3e-6)


@needs_one
@pytest.mark.parametrize("steps", [0, 2])
def test_a_loss_scale_around_one_of_keras_comes_over(steps):
    """With the scale, which doubles after two steps, and the state of the parts."""
    original = keras.optimizers.LossScaleOptimizer(theirs(), initial_scale=8.0, dynamic_growth_steps=2)
    variables = variables_of(start_weights())
    for step in random_gradients(steps):
        original.apply([tf.constant(8 * g, "float32") for g in step], variables)
    ours = tfoptim.from_keras(original)
    ours.build(variables)
    assert float(ours.dynamic_scale.numpy()) == (16.0 if steps else 8.0)
    assert [int(part.iterations) for part in ours.inner_optimizer.optimizers] == [steps, steps]


@needs_one
def test_schedules_and_parts_without_variables_come_over():
    """A schedule has no variable to copy, and a default that moves nothing no state."""
    falling = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    original = theirs({"weight_.": keras.optimizers.SGD(falling)})
    variables = variables_of(start_weights())
    original.apply([tf.zeros(v.shape) for v in variables], variables)
    ours = tfoptim.from_keras(original)
    assert float(ours.optimizers[1].learning_rate) == 0.25
    assert isinstance(ours.optimizers[0], Adam)


@needs_one
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: keras.optimizers.MultiOptimizer(lambda v: keras.optimizers.SGD()),
            "a function chooses the optimizers",
        ),
        (lambda: theirs(default=keras.optimizers.Adam(clipvalue=1.0)), "clipvalue differs between the optimizers"),
        (
            lambda: theirs(
                {"w": keras.optimizers.SGD(global_clipnorm=1.0)}, keras.optimizers.Adam(global_clipnorm=1.0)
            ),
            "global_clipnorm clips the gradients of each optimizer by themselves",
        ),
        (lambda: theirs(default=keras.optimizers.Optimizer(0.1)), "from_keras got Optimizer"),
    ],
)
def test_what_cannot_be_the_same_is_refused(make, message):
    """In one sentence."""
    with pytest.raises(TypeError, match=message):
        tfoptim.from_keras(make())
