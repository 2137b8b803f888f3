"""Rules that change Adam are Adam, or each other, where their papers say so; and what their docstrings warn of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, variables_of
from tfoptim import simulate

pytestmark = pytest.mark.filterwarnings("ignore:.*swapped")
STEPS = 12
ROUNDING = 1e-12  # float64, relative to weights of about 1, in rules that compute the same in another order
START, GRADIENTS = start_weights()[0], [g[0] for g in random_gradients(STEPS)]
EXACT = {"epsilon": 0.0}  # without it, its place does not matter

SAME = {
    "RAdam with a short memory of squares has no use for it": (
        tfoptim.RAdam(0.1, beta_1=0.2, beta_2=0.5),
        tfoptim.RAdam(0.1, beta_1=0.2, beta_2=0.25),
    ),
    "AdaBelief before the sixth step follows the mean of gradients, as RAdam does": (
        tfoptim.AdaBelief(0.1, sma_threshold=1e3),
        tfoptim.RAdam(0.1, sma_threshold=1e3),
    ),
    "NAdamW without momentum is Adam": (
        tfoptim.NAdamW(0.1, beta_1=0.0, weight_decay=0.0, **EXACT),
        tfoptim.Adam(0.1, beta_1=0.0, **EXACT),
    ),
    "NAdamW decays like AdamW": (
        tfoptim.NAdamW(0.1, beta_1=0.0, weight_decay=0.2, **EXACT),
        tfoptim.AdamW(0.1, beta_1=0.0, weight_decay=0.2, **EXACT),
    ),
    "AdaBelief without mean does not see a deviation, and moves by 1 / epsilon": (
        tfoptim.AdaBelief(0.1, beta_1=0.0, beta_2=0.0, epsilon=1.0, rectify=False),
        tfoptim.GD(0.05),  # the root of epsilon, and epsilon
    ),
    "Adan without differences is Adam": (
        tfoptim.Adan(0.1, beta_1=0.9, beta_2=0.0, beta_3=0.99, **EXACT),
        tfoptim.Adam(0.1, beta_1=0.9, beta_2=0.99, **EXACT),
    ),
    "AdEMAMix without the slow mean is Adam": (
        tfoptim.AdEMAMix(0.1, alpha=0.0, **EXACT),
        tfoptim.Adam(0.1, **EXACT),
    ),
    "AdEMAMix whose warm-up is over at once has none": (
        tfoptim.AdEMAMix(0.1, warmup=1),
        tfoptim.AdEMAMix(0.1),
    ),
    "LaProp without momentum is Adam": (
        tfoptim.LaProp(0.1, beta_1=0.0, **EXACT),
        tfoptim.Adam(0.1, beta_1=0.0, **EXACT),
    ),
    "QHAdam of moments alone is Adam": (
        tfoptim.QHAdam(0.1, beta_1=0.9, nu_1=1.0, nu_2=1.0, **EXACT),
        tfoptim.Adam(0.1, **EXACT),
    ),
    "QHAdam without its second moment follows signs": (
        tfoptim.QHAdam(0.1, nu_1=0.0, nu_2=0.0, **EXACT),
        tfoptim.Adam(0.1, beta_1=0.0, beta_2=0.0, **EXACT),
    ),
    "AdaBound with wide bounds is Adam": (
        tfoptim.AdaBound(0.1, gamma=1e-9),
        tfoptim.Adam(0.1, epsilon=1e-8),
    ),
    "AMSBound with wide bounds is AMSGrad": (
        tfoptim.AdaBound(0.1, gamma=1e-9, amsbound=True),
        tfoptim.Adam(0.1, epsilon=1e-8, amsgrad=True),
    ),
    "AdaBound with narrow bounds is momentum": (
        tfoptim.AdaBound(0.1, gamma=1e15, final_lr=0.5),
        tfoptim.Momentum(0.05),  # Adam's mean has a share of 1 - beta_1 of each gradient
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_one_rule_is_another(name):
    """Twelve steps of both on a matrix."""
    one, other = (simulate(optimizer, START, GRADIENTS) for optimizer in SAME[name])
    np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING)
    assert not np.array_equal(one[0], one[-1])


def test_radam_becomes_adam():
    """After many steps the factor is 1, and the paper's epsilon aside the steps are those of Adam."""
    gradients = [1.0 + 0.5 * np.sin(t) for t in range(400)]
    one, other = (
        np.diff(simulate(make(0.1, beta_2=0.9, **EXACT), 1.0, gradients)) for make in (tfoptim.RAdam, tfoptim.Adam)
    )
    assert abs(one[3] / other[3] - 1) > 0.1
    np.testing.assert_allclose(one[-1], other[-1], rtol=1e-12)


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


def test_adopt_leaves_the_weights_at_the_first_step_but_for_their_decay():
    """The first gradient starts the second moment alone."""
    assert simulate(tfoptim.ADOPT(0.1), [1.0, 2.0], [[3.0, -4.0]]).tolist() == [[1.0, 2.0]]
    decayed = simulate(tfoptim.ADOPT(0.1, weight_decay=0.5), [1.0, 2.0], [[3.0, -4.0]])
    np.testing.assert_allclose(decayed, [[0.95, 1.9]], rtol=1e-15)


@pytest.mark.parametrize(("arguments", "moved"), [({}, 0.1 * 3**0.25), ({"clip_exponent": None, "epsilon": 0.5}, 1.0)])
def test_adopt_bounds_elements_whose_first_gradient_is_late(arguments, moved):
    """By the clip of the fourth step, whatever the gradient; without it, by epsilon in place of a root."""
    late = simulate(tfoptim.ADOPT(0.1, beta_1=0.0, **arguments), 0.0, [0.0, 0.0, 0.0, 5.0])
    np.testing.assert_allclose(late, [0.0, 0.0, 0.0, -moved], rtol=1e-12)


def test_first_step_is_that_of_the_optimizer_also_with_accumulation():
    """ADOPT and Adan take the mean of a cycle for one gradient."""
    for make in (tfoptim.ADOPT, tfoptim.Adan):
        alone, cycled = variables_of([START, START], "float64")
        one, other = make(0.1), make(0.1, gradient_accumulation_steps=2)
        for g in GRADIENTS[:4]:
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
