"""Moving averages under a schedule are the averages that the papers define, however training is divided into calls."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import MODES, random_gradients, start_weights, stepper, train, values_of, variables_of
from tfoptim.schedules import SWA, EmaWarmup

STEPS, START, PERIOD = 11, 2, 3
MEAN = {"use_ema": True, "ema_momentum": SWA(START, PERIOD)}
FLOAT32 = 1e-6  # a few roundings of weights near 1


def mean_of_snapshots(trajectory):
    """The plain mean, in float64, of the weights after the steps 2, 5, 8, counted from 0."""
    return [np.mean([np.float64(step[i]) for step in trajectory[START:STEPS:PERIOD]], axis=0) for i in range(2)]


def plain(**arguments):
    """The weights after each step without an average."""
    return train(tfoptim.SGD(0.01, momentum=0.9, **arguments), start_weights(), random_gradients(STEPS))[:-1]


def test_swa_ends_with_the_mean_of_the_snapshots_in_every_mode():
    """The weights themselves are those of training without it."""
    for mode in MODES:
        optimizer = tfoptim.SGD(0.01, momentum=0.9, **MEAN)
        *trajectory, final = train(optimizer, start_weights(), random_gradients(STEPS), mode=mode)
        for expected, w in zip(mean_of_snapshots(plain()), final, strict=True):
            np.testing.assert_allclose(w, expected, rtol=0, atol=FLOAT32)
        np.testing.assert_array_equal(trajectory[-1][0], plain()[-1][0])


def test_swa_counts_steps_and_not_calls_of_an_accumulation_cycle():
    """Each gradient in two halves, which have it as their mean."""
    optimizer = tfoptim.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2, **MEAN)
    halves = [[g * share for g in step] for step in random_gradients(STEPS) for share in (0.5, 1.5)]
    for expected, w in zip(mean_of_snapshots(plain()), train(optimizer, start_weights(), halves)[-1], strict=True):
        np.testing.assert_allclose(w, expected, rtol=0, atol=FLOAT32)


def test_swa_skips_what_the_optimizer_skips():
    """A NaN at the step of a snapshot is no step: the snapshot is taken at the next."""
    optimizer = tfoptim.SGD(0.01, momentum=0.9, nonfinite="skip", **MEAN)
    gradients = random_gradients(STEPS)
    gradients.insert(5, [np.full_like(g, np.nan) for g in gradients[0]])
    for expected, w in zip(mean_of_snapshots(plain()), train(optimizer, start_weights(), gradients)[-1], strict=True):
        np.testing.assert_allclose(w, expected, rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("stop", [4, 6])
def test_swa_resumes_between_two_snapshots(stop):
    """From a saved state, to the last bit."""
    gradients, ends = random_gradients(STEPS), []
    for parts in ([gradients], [gradients[:stop], gradients[stop:]]):
        weights, store = start_weights(), {}
        for part in parts:
            optimizer, variables = tfoptim.SGD(0.01, momentum=0.9, **MEAN), variables_of(weights)
            optimizer.build(variables)
            if store:
                optimizer.load_own_variables(store)
            step = stepper(optimizer, variables, "eager")
            for gradient in part:
                step([tf.constant(g, tf.float32) for g in gradient])
            weights, store = values_of(variables), {}
            optimizer.save_own_variables(store)
        optimizer.finalize_variable_values(variables)
        ends.append(values_of(variables))
    for expected, w in zip(*ends, strict=True):
        np.testing.assert_array_equal(w, expected)


def test_swa_on_two_replicas_is_the_mean_on_each(two_replicas):
    """Each replica contributes half of each gradient."""
    with two_replicas.scope():
        variables = variables_of(start_weights())
        optimizer = tfoptim.SGD(0.01, momentum=0.9, **MEAN)
        optimizer.build(variables)
    step = tf.function(lambda gradients: two_replicas.run(lambda g: optimizer.apply(g, variables), args=(gradients,)))
    for gradient in random_gradients(STEPS):
        step([tf.constant(g / 2, tf.float32) for g in gradient])
    optimizer.finalize_variable_values(variables)
    for expected, variable in zip(mean_of_snapshots(plain()), variables, strict=True):
        for w in on_each(two_replicas, variable):
            np.testing.assert_allclose(w, expected, rtol=0, atol=FLOAT32)


def test_average_with_warmup_follows_the_plain_loop():
    """The first step copies the weights; then the share of the old average grows from 2 / 11."""
    *trajectory, final = train(
        tfoptim.SGD(0.01, use_ema=True, ema_momentum=EmaWarmup(0.4)), start_weights(), random_gradients(STEPS)
    )
    average = np.float64(trajectory[0][0])
    for k, step in enumerate(trajectory[1:], start=1):
        share = min(0.4, (1 + k) / (10 + k))
        average = share * average + (1 - share) * step[0]
    np.testing.assert_allclose(final[0], average, rtol=0, atol=FLOAT32)


def test_a_training_without_a_step_keeps_its_weights():
    """The calls of half an accumulation cycle move no average, which is not that of anything yet."""
    (weights,) = values_of(variables := [keras.Variable([1.0, 2.0])])
    optimizer = tfoptim.SGD(0.1, use_ema=True, gradient_accumulation_steps=2)
    optimizer.apply([tf.ones(2)], variables)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_array_equal(variables[0].numpy(), weights)


@pytest.mark.parametrize("optimizer", [tfoptim.SGD(use_ema=True), tfoptim.ScheduleFreeSGD()], ids=type)
def test_of_variables_that_it_was_not_built_for_it_keeps_no_average(optimizer):
    """Asked too early, by `fit`'s end as well, it names the way out."""
    weights = keras.Variable([1.0], name="w")
    for ask in (optimizer.average_weights, optimizer.finalize_variable_values):
        with pytest.raises(ValueError, match=r"keeps no average of w: it was not built for it\. Call build with all"):
            ask([weights])
