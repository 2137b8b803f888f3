"""Rules without a schedule or a rate are other rules where their papers say so, and know no scale."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, variables_of
from tfoptim import simulate

STEPS = 12
FLOAT32 = 3e-5  # relative to the largest move, as in `test_drop_in.py`
ROUNDING = 1e-12  # float64, relative to weights of about 1, in rules that compute the same in another order
START, GRADIENTS = start_weights()[0], [g[0] for g in random_gradients(STEPS)]
SCALE_FREE = {
    "ScheduleFreeAdamW": tfoptim.ScheduleFreeAdamW(0.1, epsilon=0.0, warmup_steps=5),
    "Prodigy": tfoptim.Prodigy(d0=0.1, epsilon=0.0),
    "DoG": tfoptim.DoG(reps_rel=0.1, epsilon=0.0),
    "COCOB": tfoptim.COCOB(epsilon=0.0),
}


@pytest.mark.parametrize("name", SCALE_FREE)
def test_the_scale_of_the_loss_does_not_matter(name):
    """Ten times the gradients, the same steps."""
    one, ten = (simulate(SCALE_FREE[name], START, [scale * g for g in GRADIENTS]) for scale in (1.0, 10.0))
    assert np.abs(one[-1] - START).max() > 1e-2
    np.testing.assert_allclose(ten, one, rtol=0, atol=ROUNDING * np.abs(one).max())


@pytest.mark.parametrize("name", ["Prodigy", "DoG"])
def test_how_a_model_is_divided_into_variables_does_not_matter(name):
    """Sums are over all of them; another order of the sums rounds otherwise."""
    optimizer, (rows, rest) = SCALE_FREE[name], np.split(START, [1])
    whole = simulate(optimizer, START, GRADIENTS)
    parts = simulate(optimizer, {"a": rows, "b": rest}, [{"a": g[:1], "b": g[1:]} for g in GRADIENTS])
    np.testing.assert_allclose(np.concatenate([parts["a"], parts["b"]], axis=1), whole, rtol=0, atol=ROUNDING)


def test_schedule_free_sgd_with_all_momentum_is_the_mean_of_sgd():
    """Polyak and Ruppert's average, of gradients that are given."""
    mean = np.cumsum(simulate(tfoptim.GD(0.1), START, GRADIENTS), axis=0) / np.arange(1, STEPS + 1)[:, None, None]
    found = simulate(tfoptim.ScheduleFreeSGD(0.1, momentum=1 - 1e-14), START, GRADIENTS)
    np.testing.assert_allclose(found, mean, rtol=0, atol=ROUNDING * np.abs(mean).max())


def test_schedule_free_sgd_without_momentum_is_sgd():
    """The weights are z then, whatever its mean."""
    found = simulate(tfoptim.ScheduleFreeSGD(0.1, momentum=1e-15, weight_decay=0.1), START, GRADIENTS)
    expected = simulate(tfoptim.GD(0.1, weight_decay=0.1), START, GRADIENTS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * np.abs(expected).max())


def test_schedule_free_adamw_without_momentum_is_adam_without():
    """With the epsilon of the paper beside the corrected root, here 0."""
    found = simulate(tfoptim.ScheduleFreeAdamW(0.1, beta_1=1e-15, epsilon=0.0), START, GRADIENTS)
    expected = simulate(tfoptim.Adam(0.1, beta_1=0.0, epsilon=0.0), START, GRADIENTS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_weights_of_the_mean_follow_the_largest_rate():
    """Under a schedule: without a power, every step weighs alike; later steps of a falling rate weigh as the first."""
    falling = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.5, 0.25])
    alike, squared = (
        simulate(tfoptim.ScheduleFreeSGD(falling, weight_lr_power=p), START, GRADIENTS) for p in (0.0, 2.0)
    )
    np.testing.assert_allclose(alike, squared, rtol=0, atol=ROUNDING)
    warm = [tfoptim.ScheduleFreeSGD(0.5, warmup_steps=6, weight_lr_power=p) for p in (0.0, 2.0)]
    alike, squared = (simulate(optimizer, START, GRADIENTS) for optimizer in warm)
    assert np.abs(alike - squared).max() > 1e-2


def test_prodigy_whose_estimate_stays_is_adam():
    """At the rate d0, if e never exceeds it; d cancels in m and the root of v."""
    prodigy = tfoptim.Prodigy(0.1, d0=2.0, d_coef=1e-12, use_bias_correction=True, epsilon=0.0)
    expected = simulate(tfoptim.Adam(0.2, epsilon=0.0), START, GRADIENTS)
    np.testing.assert_allclose(simulate(prodigy, START, GRADIENTS), expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("growth_rate", [None, 1.05])
def test_prodigys_estimate_never_falls_and_stays_below_the_distance(growth_rate):
    """On |w - 3| from 0, whose gradient is a sign: the estimate of the paper is a lower bound of the distance 3."""
    (w,), optimizer = variables_of([np.zeros(())], "float64"), tfoptim.Prodigy(d0=1e-3, growth_rate=growth_rate)
    assert optimizer.d == 1e-3
    estimates = []
    for _ in range(60):
        optimizer.apply([tf.sign(w.value - 3)], [w])
        estimates.append(optimizer.d)
    assert np.all(np.diff(estimates) >= 0)
    assert 0.01 < estimates[-1] <= 3
    grown = [b / a for a, b in itertools.pairwise(estimates) if a > 1e-3]  # the first growth is free
    assert growth_rate is None or max(grown) <= growth_rate * (1 + 1e-12)


def test_prodigy_does_not_move_before_the_first_gradient():
    """Nor does it decay: zero gradients say nothing of the distance."""
    path = simulate(tfoptim.Prodigy(d0=0.1, weight_decay=0.5), START, [np.zeros_like(START)] * 2 + GRADIENTS[:1])
    np.testing.assert_array_equal(path[1], START)
    np.testing.assert_array_less(0, np.abs(path[2] - START))


@pytest.mark.parametrize("safeguard", [False, True])
def test_prodigy_keeps_nothing_of_gradients_at_rate_0_before_its_first_step(safeguard):
    """A warm-up may start there, as in the authors' code: without bias correction, the steps are those without it."""
    warm = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.0, 1.0])
    late, early = (tfoptim.Prodigy(rate, d0=0.1, safeguard_warmup=safeguard) for rate in (warm, 1.0))
    found = simulate(late, START, [*GRADIENTS[:3][::-1], *GRADIENTS])
    np.testing.assert_array_equal(found[:3], [START] * 3)
    np.testing.assert_array_equal(found[3:], simulate(early, START, GRADIENTS))


@pytest.mark.parametrize("make", [tfoptim.Prodigy, tfoptim.DoG])
def test_bfloat16_weights_need_a_larger_first_step(make):
    """The default is below half of their last digit, so that they never move; the docstrings name one that is not."""
    moved = []
    for start in ({}, {"reps_rel" if make is tfoptim.DoG else "d0": 1e-2}):
        weight = keras.Variable([1.0, -2.0], dtype="bfloat16")
        optimizer = make(**start)
        for _ in range(20):
            optimizer.apply([tf.cast(weight.value - 3.0, "bfloat16")], [weight])
        moved.append(float(keras.ops.sum(weight) + 1.0))
    assert moved[0] == 0
    assert moved[1] > 0.5


def test_dog_takes_the_largest_distance_over_the_norm_of_all_gradients():
    """The first step is as long as `reps_rel` says; decay is L2."""
    path = simulate(tfoptim.DoG(reps_rel=0.1, epsilon=0.0), START, GRADIENTS)
    assert np.linalg.norm(path[0] - START) == pytest.approx(0.1 * (1 + np.linalg.norm(START)), rel=1e-12)
    decayed = simulate(tfoptim.DoG(reps_rel=0.1, weight_decay=0.3), START, [lambda w: w] * STEPS)
    np.testing.assert_allclose(
        decayed, simulate(tfoptim.DoG(reps_rel=0.1), START, [lambda w: 1.3 * w] * STEPS), rtol=ROUNDING
    )


def test_a_first_bet_of_cocob_is_a_share_of_one():
    """Whatever the gradient; 1 / 2 of it with the smallest alpha."""
    for alpha, share in ((100.0, 0.01), (1.0, 0.5)):
        first = simulate(tfoptim.COCOB(alpha=alpha, epsilon=0.0), START, GRADIENTS[:1])[0]
        np.testing.assert_allclose(first - START, -share * np.sign(GRADIENTS[0]), rtol=0, atol=1e-15)


def test_cocob_has_no_learning_rate():
    """It can be neither given, nor set, nor differ in a group; callbacks that set it say so, others read 1."""
    optimizer = tfoptim.COCOB()
    with pytest.raises(ValueError, match="COCOB has no argument 'learning_rate'"):
        tfoptim.COCOB(learning_rate=0.1)
    with pytest.raises(AttributeError, match="COCOB has no learning_rate"):
        optimizer.learning_rate = 0.1
    assert optimizer.learning_rate == 1.0
    assert "learning_rate" not in optimizer.get_config()
    with pytest.raises(ValueError, match="'learning_rate' cannot differ"):
        tfoptim.COCOB(groups={"bias": {"learning_rate": 0.1}})


# Keras's class

of_keras = pytest.mark.skipif(not hasattr(keras.optimizers, "ScheduleFreeAdamW"), reason="this Keras has none")


def after(optimizer, weight, gradients):
    """The weight after steps of given gradients."""
    for g in gradients:
        optimizer.apply([tf.constant(g, "float32")], [weight])
    return weight.numpy()


@of_keras
def test_weights_of_keras_are_the_mean_whatever_beta_1():
    """It reads z after it has moved it, so that its gradients are taken at x; ours are at y, as in the paper."""
    moved = {}
    for library in (keras.optimizers, tfoptim):
        low, high = (library.ScheduleFreeAdamW(0.05, beta_1=beta_1) for beta_1 in (0.3, 0.9))
        moved[library] = [after(optimizer, *variables_of([START]), GRADIENTS) for optimizer in (low, high)]
    np.testing.assert_allclose(*moved[keras.optimizers], rtol=0, atol=FLOAT32)
    assert np.abs(moved[tfoptim][0] - moved[tfoptim][1]).max() > 0.01


@of_keras
@pytest.mark.parametrize("steps", [0, 6])
def test_schedule_free_adamw_of_keras_is_continued(steps):
    """In the midst of its warm-up: its weights are x, from which ours goes on with y. All steps weigh alike."""
    theirs, (w,) = keras.optimizers.ScheduleFreeAdamW(0.05, beta_1=0.8, warmup_steps=8), variables_of([START])
    after(theirs, w, GRADIENTS[:steps])
    ours = tfoptim.from_keras(theirs)
    assert (ours.weight_lr_power, ours.built) == (0.0, steps > 0)
    expected = simulate(ours, START, GRADIENTS)[-1]
    actual = after(ours, w, GRADIENTS[steps:])
    np.testing.assert_allclose(actual, expected, rtol=0, atol=FLOAT32 * np.abs(expected - START).max())


@of_keras
def test_schedule_free_adamw_does_not_go_back_to_keras():
    """Its gradients would be taken elsewhere."""
    with pytest.raises(ValueError, match="Keras's class takes its gradients at x"):
        tfoptim.to_keras(tfoptim.ScheduleFreeAdamW(weight_lr_power=0.0))


@of_keras
def test_decay_of_schedule_free_adamw_of_keras_is_refused():
    """It is another method than the paper's; the message has the way out."""
    with pytest.raises(ValueError, match=r"decays the weights but not z.* tfoptim.ScheduleFreeAdamW\(weight_decay=0.1"):
        tfoptim.from_keras(keras.optimizers.ScheduleFreeAdamW(weight_decay=0.1))
