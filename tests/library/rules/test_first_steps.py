"""First steps, late gradients, bounds and groups of Adam's relatives: what their docstrings warn of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, variables_of
from tfoptim import simulate

pytestmark = pytest.mark.filterwarnings("ignore:.*swapped")
STEPS = 4
START, GRADIENTS = start_weights()[0], [g[0] for g in random_gradients(STEPS)]


def first_rectified(rule, arguments):
    """The first of 30 steps that is not that of the mean of gradients alone; None if all are."""
    gradients = [1.0 + 0.5 * np.sin(t) for t in range(30)]
    one, never = rule(0.1, **arguments), tfoptim.RAdam(0.1, sma_threshold=1e9)
    differs = simulate(one, 1.0, gradients) != simulate(never, 1.0, gradients)
    return int(np.argmax(differs)) + 1 if differs.any() else None


@pytest.mark.parametrize("rule", [tfoptim.RAdam, tfoptim.AdaBelief])
@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        ({}, 6),
        ({"sma_threshold": 4.5}, 5),  # the average of the fifth step is 4.996 long
        ({"beta_2": 0.9}, 6),
        ({"beta_2": 0.7}, 10),
        ({"beta_2": 2 / 3}, None),
        ({"beta_2": 0.6}, None),  # where the longest average is 4, a root of the formula
        ({"beta_2": 0.0}, None),
    ],
)
def test_step_from_which_the_rule_is_rectified(rule, arguments, step):
    """The sixth at the earliest with the default; never for a short memory, without a sign of it."""
    assert first_rectified(rule, arguments) == step


@pytest.mark.parametrize(("arguments", "moved"), [({}, 0.1 * 3**0.25), ({"clip_exponent": None, "epsilon": 0.5}, 1.0)])
def test_adopt_bounds_elements_whose_first_gradient_is_late(arguments, moved):
    """By the clip of the fourth step, whatever the gradient; without it, by epsilon in place of a root."""
    late = simulate(tfoptim.ADOPT(0.1, beta_1=0.0, **arguments), 0.0, [0.0, 0.0, 0.0, 5.0])
    np.testing.assert_allclose(late, [0.0, 0.0, 0.0, -moved], rtol=1e-12)


@pytest.mark.slow
def test_first_step_is_that_of_the_optimizer_also_with_accumulation():
    """ADOPT and Adan take the mean of a cycle for one gradient."""
    for make in (tfoptim.ADOPT, tfoptim.Adan):
        alone, cycled = variables_of([START, START], "float64")
        one, other = make(0.1), make(0.1, gradient_accumulation_steps=2)
        for g in GRADIENTS:
            one.apply([tf.constant(g)], [alone])
            for part in (0.5 * g, 1.5 * g):
                other.apply([tf.constant(part)], [cycled])
        np.testing.assert_allclose(cycled.numpy(), alone.numpy(), rtol=1e-12)


def test_slow_mean_of_ademamix_grows_with_the_warm_up():
    """Halfway, alpha is half, and the half-life lies between those of beta_1 and beta_3 (paper, section 3)."""
    optimizer = tfoptim.AdEMAMix(1.0, beta_1=0.5, beta_2=0.0, beta_3=0.5**0.25, alpha=4.0, epsilon=0.0, warmup=2)
    # half-lives of 1 and 4 steps: halfway 2.5, as log(0.5) / log(b) is linear in the share that is done
    b = 0.5 ** (1 / 2.5)
    np.testing.assert_allclose(simulate(optimizer, 0.0, [1.0]), [-(1.0 + 2.0 * (1 - b))], rtol=1e-12)


def test_bounds_of_adabound_follow_the_rate_and_start_with_the_first_that_is_not_zero():
    """A rate of 0 moves nothing; half the first rate halves what the bounds allow."""
    narrow = {"gamma": 1e15, "final_lr": 0.5, "beta_1": 0.0}
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], [0.0, 0.2, 0.1])
    path = simulate(tfoptim.AdaBound(rates, **narrow), 0.0, [1.0] * 4)
    np.testing.assert_allclose(path, [0.0, -0.5, -0.75, -1.0], rtol=1e-7)  # the schedule is in float32


@pytest.mark.parametrize("mode", ["simulated", "trained"])
def test_a_group_of_adabound_has_bounds_of_its_own_rate(mode):
    """As if it had an optimizer of its own, from the first step on, where the shared state is not set yet."""
    groups = {"weight_1": {"learning_rate": 0.5}}
    optimizer, alone = tfoptim.AdaBound(0.25, gamma=0.5, groups=groups), tfoptim.AdaBound(0.125, gamma=0.5)
    wanted = simulate(alone, 1.0, [0.1, 5.0, -2.0])
    if mode == "simulated":
        np.testing.assert_allclose(simulate(optimizer, 1.0, [0.1, 5.0, -2.0], path="weight_1"), wanted, rtol=1e-14)
        return
    weights = variables_of([np.ones(()), np.ones(())], "float64")
    for gradient in (0.1, 5.0, -2.0):
        optimizer.apply([tf.constant(gradient, tf.float64)] * 2, weights)
    np.testing.assert_allclose(weights[1].numpy(), wanted[-1], rtol=1e-12)
    assert weights[0].numpy() != weights[1].numpy()


def test_adan_does_not_take_its_own_betas_for_swapped(recwarn):
    """Its beta_1 is larger than its beta_2 by default; in Adam that is worth a warning."""
    tfoptim.Adan()
    assert [] == [str(warning.message) for warning in recwarn]
    with pytest.warns(UserWarning, match=r"Adam: beta_1=0.98 is larger than beta_2=0.92: swapped\?"):
        tfoptim.Adam(beta_1=0.98, beta_2=0.92)


def test_numbers_of_adopt_that_act_on_rare_gradients_are_live():
    """Epsilon and the exponent of the clip, assigned between two steps."""
    for name, value in (("epsilon", 1000.0), ("clip_exponent", 0.0)):
        moved = []
        for number in (None, value):
            optimizer, (weight,) = tfoptim.ADOPT(0.1), variables_of([np.zeros(1)], "float64")
            for i, gradient in enumerate((1.0, 1.0, 50.0)):
                if i == 2 and number is not None:
                    setattr(optimizer, name, number)
                optimizer.apply([tf.constant([gradient], tf.float64)], [weight])
            moved.append(float(weight.numpy()[0]))
        assert moved[0] != moved[1]
