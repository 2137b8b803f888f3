"""Schedules follow the papers' formulas, written out as loops, at every step of any training."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.reference.cyclic import between
from tfoptim.schedules import SWA, Cyclic, EmaWarmup, OneCycle, Times, WarmupCosine
from tfoptim.schedules.exact import Exact

FLOAT64 = 1e-13  # a few roundings of float64; in float32 the same formulas are off by 1e-8 and more


def smith(start, peak, cycle, shape, gamma, iteration):
    """Section 3 of Smith (2017), whose cycles count from 1 and whose step size is half a cycle."""
    stepsize = cycle / 2
    number = math.floor(1 + iteration / (2 * stepsize))
    x = abs(iteration / stepsize - 2 * number + 1)
    scale = {"triangular": 1.0, "triangular2": 1 / 2 ** (number - 1), "exponential": gamma**iteration}[shape]
    return start + (peak - start) * max(0.0, 1 - x) * scale


def one_cycle(start, peak, final, steps, tail, iteration):
    """Straight lines between four corners."""
    cycle = steps * (1 - tail)
    corners = [0, cycle / 2, cycle, steps]
    return float(np.interp(iteration, corners, [start, peak, start, final]))


def warmup_cosine(peak, steps, warmup, final, iteration):
    """Up in `warmup` equal parts, the first of them at once; then half a cosine."""
    if iteration < warmup:
        return peak * (iteration + 1) / warmup
    part = min(1.0, (iteration - warmup) / (steps - warmup))
    return final + (peak - final) * 0.5 * (1 + math.cos(math.pi * part))


def ema_warmup(momentum, k):
    """After k steps, the share of the average that is kept: at most (1 + k) / (10 + k)."""
    return momentum if momentum * (10 + k) < 1 + k else (1 + k) / (10 + k)


def swa(start, period, k):
    """At a snapshot the share n / (n + 1), with n in the mean already; nothing before the first, all in between."""
    snapshots = range(start, k + 1, period)
    if k not in snapshots:
        return float(k > start)
    return 1 - 1 / len(snapshots)


SCHEDULES = {
    "triangular": (Cyclic(0.01, 0.1, 10), lambda i: smith(0.01, 0.1, 10, "triangular", 1.0, i)),
    "odd cycle": (Cyclic(0.01, 0.1, 7), lambda i: smith(0.01, 0.1, 7, "triangular", 1.0, i)),
    "opposed": (Cyclic(0.95, 0.85, 10), lambda i: 0.95 + 0.85 - smith(0.85, 0.95, 10, "triangular", 1.0, i)),
    "triangular2": (Cyclic(0.01, 0.1, 10, "triangular2"), lambda i: smith(0.01, 0.1, 10, "triangular2", 1.0, i)),
    "exponential": (
        Cyclic(0.01, 0.1, 10, "exponential", gamma=0.99),
        lambda i: smith(0.01, 0.1, 10, "exponential", 0.99, i),
    ),
    "one cycle": (OneCycle(0.1, 1.0, 0.001, 40), lambda i: one_cycle(0.1, 1.0, 0.001, 40, 0.1, i)),
    "no tail": (OneCycle(0.1, 1.0, 0.1, 40, tail=0.0), lambda i: one_cycle(0.1, 1.0, 0.1, 40, 0.0, i)),
    "opposed one cycle": (OneCycle(0.95, 0.85, 0.95, 40), lambda i: one_cycle(0.95, 0.85, 0.95, 40, 0.1, i)),
    "warm-up": (WarmupCosine(0.3, 40, 8, final=0.01), lambda i: warmup_cosine(0.3, 40, 8, 0.01, i)),
    "no warm-up": (WarmupCosine(0.3, 40, 0), lambda i: warmup_cosine(0.3, 40, 0, 0.0, i)),
    "average warm-up": (EmaWarmup(0.8), lambda i: ema_warmup(0.8, i)),
    "mean of snapshots": (SWA(7, 3), lambda i: swa(7, 3, i)),
    "mean of all": (SWA(0, 1), lambda i: swa(0, 1, i)),
    "times": (Times(Cyclic(0.1, 1.0, 10), 0.3), lambda i: 0.3 * between(0.1, 1.0, 10, i % 10)),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "graph"])
def test_schedule_follows_its_formula_at_every_step(name, compiled):
    """Sixty steps: six cycles, or all of a training and what comes after it."""
    schedule, formula = SCHEDULES[name]
    value = tf.function(schedule, input_signature=[tf.TensorSpec([], tf.int64)]) if compiled else schedule
    actual = [float(value(tf.constant(step, tf.int64))) for step in range(60)]
    np.testing.assert_allclose(actual, [formula(step) for step in range(60)], rtol=FLOAT64)
    assert len(set(actual)) > 3


def test_triangle_equals_the_lines_of_the_medical_paper():
    """Mortazi et al. (2023) write a rising and a falling line; both are the same wave."""
    expected = [between(0.85, 0.95, 12, step) for step in range(40)]
    np.testing.assert_allclose([float(Cyclic(0.85, 0.95, 12)(step)) for step in range(40)], expected, rtol=FLOAT64)


@pytest.mark.parametrize("step", [2**24 + 1, 2**31 + 1, 2**40 + 3])
@pytest.mark.parametrize("kind", [int, np.int64, lambda s: tf.constant(s, tf.int64)], ids=["int", "NumPy", "tensor"])
def test_late_steps_are_as_exact_as_early_ones(step, kind):
    """float32 has no step 2**24 + 1."""
    expected = between(0.01, 0.1, 10, step % 10)
    assert expected == pytest.approx(float(Cyclic(0.01, 0.1, 10)(kind(step))), rel=FLOAT64)


def test_value_is_float64_and_any_step_will_do():
    """Keras's optimizers cast it to their variables' dtype; ours to float64."""
    schedule = Cyclic(0.1, 1.0, 10)
    steps = (3, 3.0, np.int64(3), tf.constant(3), keras.Variable(3, dtype="int64"))
    assert {tf.float64} == {schedule(step).dtype for step in steps}
    assert len({float(schedule(step)) for step in steps}) == 1


def test_keras_optimizers_take_them_too():
    """GD by Keras's SGD: two steps at 0.1 and 0.55, on a gradient of 1."""
    weight = keras.Variable(0.0)
    optimizer = keras.optimizers.SGD(Cyclic(0.1, 1.0, 4))
    for _ in range(2):
        optimizer.apply([tf.constant(1.0)], [weight])
    assert float(weight.numpy()) == pytest.approx(-0.65, rel=1e-6)  # float32


@pytest.mark.parametrize("mode", [False, True], ids=["eager", "graph"])
def test_rate_and_momentum_swing_together_or_opposed(mode):
    """`Momentum` under two schedules follows the plain loop with the two rates of each step."""
    rate, momentum = Cyclic(0.01, 0.1, 6), Cyclic(0.95, 0.85, 4)
    weight = keras.Variable(1.0, dtype="float64")
    optimizer = tfoptim.Momentum(rate, momentum=momentum, nesterov=True)
    step = (tf.function if mode else (lambda f: f))(lambda g: optimizer.apply([g], [weight]))
    w, v = 1.0, 0.0
    optimizer.build([weight])
    for i in range(14):
        step(tf.constant(math.sin(i), tf.float64))
        a, b = between(0.01, 0.1, 6, i), 1.8 - between(0.85, 0.95, 4, i)
        v = b * v - a * math.sin(i)
        w = w + b * v - a * math.sin(i)
        assert w == pytest.approx(float(weight.numpy()), rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_saved_with_the_optimizer(name):
    """Through JSON and back, under the package's name, on a number that is not the learning rate."""
    schedule, formula = SCHEDULES[name]
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(tfoptim.Momentum(0.1, momentum=0.5))))
    saved["config"]["momentum"] = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    assert saved["config"]["momentum"]["registered_name"] == f"tfoptim>{type(schedule).__name__}"
    again = keras.saving.deserialize_keras_object(saved).momentum
    assert schedule.get_config() == again.get_config()
    assert formula(17) == pytest.approx(float(again(17)), rel=FLOAT64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Cyclic(-0.1, 1, 10), ValueError, "Cyclic: start must satisfy x >= 0, got -0.1"),
        (lambda: Cyclic(0.1, math.nan, 10), ValueError, "Cyclic: peak must satisfy x >= 0, got nan"),
        (lambda: Cyclic(0.1, "1", 10), TypeError, r"Cyclic: peak must be a number \(.*\), got str '1'\.$"),
        (lambda: Cyclic(Cyclic(0, 1, 2), 1, 10), TypeError, r"Cyclic: start must be a number \(.*\), got Cyclic"),
        (lambda: Cyclic(0.1, True, 10), TypeError, "Cyclic: peak must be a number; a bool is not"),
        (lambda: Cyclic(0.1, 1, 1), ValueError, r"Cyclic: cycle must be an integer >= 2, got 1\.$"),
        (lambda: Cyclic(0.1, 1, 10.0), TypeError, r"Cyclic: cycle must be an integer >= 2, got float '10\.0'\.$"),
        (lambda: Cyclic(0.1, 1, 10, "triangle"), ValueError, "Cyclic: shape .*Did you mean 'triangular'"),
        (lambda: Cyclic(0.1, 1, 10, "exponential", 1.1), ValueError, "Cyclic: gamma must satisfy 0 < x <= 1"),
        (lambda: Cyclic(0.1, 1, 10, gamma=0.9), ValueError, "gamma=0.9 has no effect without shape='exponential'"),
        (lambda: OneCycle(0.1, 1, 0, 0), ValueError, "OneCycle: steps must be an integer >= 1, got 0"),
        (lambda: OneCycle(0.1, 1, -1, 10), ValueError, "OneCycle: final must satisfy x >= 0"),
        (lambda: OneCycle(0.1, 1, 0, 10, tail=1.0), ValueError, "OneCycle: tail must satisfy 0 <= x < 1"),
        (lambda: WarmupCosine(0.1, 10, 10), ValueError, "WarmupCosine: warmup must be less than steps=10, got 10"),
        (lambda: WarmupCosine(0.1, 10, -1), ValueError, "WarmupCosine: warmup must be an integer >= 0"),
        (lambda: EmaWarmup(1.1), ValueError, r"EmaWarmup: momentum must satisfy 0 <= x <= 1, got 1\.1"),
        (lambda: SWA(-1, 1), ValueError, r"SWA: start must be an integer >= 0, got -1\.$"),
        (lambda: SWA(0, 0), ValueError, r"SWA: period must be an integer >= 1, got 0\.$"),
        (lambda: SWA(0.5, 1), TypeError, r"SWA: start must be an integer >= 0, got float"),
        (lambda: Times(0.1, 2), TypeError, r"Times: schedule must be a LearningRateSchedule, got float 0\.1"),
        (lambda: Times(Cyclic(0, 1, 2), -1), ValueError, r"Times: factor must satisfy x >= 0, got -1\.0"),
    ],
)
def test_bad_arguments_get_one_sentence(make, error, words):
    """Owner, argument, what is allowed and what was given."""
    with pytest.raises(error, match=words):
        make()


def test_schedule_that_leaves_the_range_of_a_number_is_refused():
    """A momentum of 1.5 in the middle of a cycle is as wrong as one given as a number."""
    words = r"Momentum: momentum, which Cyclic\(.*\) takes to 1\.5, must satisfy 0 <= x <= 1, got 1\.5"
    with pytest.raises(ValueError, match=words):
        tfoptim.Momentum(0.1, momentum=Cyclic(0.9, 1.5, 10))


def test_a_product_has_the_range_of_its_schedule():
    """Twice a momentum of 0.6 is too much, and that is known before the first step."""
    words = r"Momentum: momentum, which Times\(schedule=Cyclic\(.*\), factor=2\.0\) takes to 1\.2, must satisfy"
    with pytest.raises(ValueError, match=words):
        tfoptim.Momentum(0.1, momentum=Times(Cyclic(0.4, 0.6, 10), 2))


def test_times_takes_schedules_of_keras():
    """Whose range is unknown, and whose values are rounded to float32."""
    schedule = Times(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), 3)
    assert [pytest.approx(0.3 * 0.5 ** (step / 10), rel=1e-6) for step in range(4)] == [
        float(schedule(tf.constant(step, tf.int64))) for step in range(4)
    ]
    assert tfoptim.AdamW(0.1, weight_decay=schedule).weight_decay is schedule


def test_weight_decay_times_the_rate_is_the_corrected_decay():
    """AdamC on a zero gradient: w loses rate**2 / peak * decay of itself in each step (Defazio, 2025)."""
    rate = WarmupCosine(0.1, 8, warmup=2)
    weight, w = keras.Variable(1.0, dtype="float64"), 1.0
    optimizer = tfoptim.AdamW(rate, weight_decay=Times(rate, 0.5 / 0.1))
    for i in range(8):
        optimizer.apply([tf.constant(0.0, tf.float64)], [weight])
        w -= warmup_cosine(0.1, 8, 2, 0.0, i) ** 2 / 0.1 * 0.5 * w
        assert w == pytest.approx(float(weight.numpy()), rel=1e-14)  # a few roundings of float64


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_step_in_float32_gives_a_value_in_float32(name):
    """As an export to TFLite needs."""
    schedule, formula = SCHEDULES[name]
    value = schedule(tf.constant(13.0))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(formula(13), rel=1e-5)


def test_a_schedule_of_the_base_class_must_be_defined():
    """The message names the method."""

    class Nothing(Exact):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing must define at\(step\)"):
        Nothing()(0)


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (2, 1), (20, 1), (21, 2), (1000, 50)])
def test_usual_warmup_is_a_twentieth_rounded_up(steps, warmup):
    """And leaves at least one step to fall."""
    assert warmup == WarmupCosine(0.1, steps).warmup
