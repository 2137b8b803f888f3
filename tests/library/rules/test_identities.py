"""Rules are other rules where their papers say so: relatives of Adam."""

import keras
import numpy as np
import pytest

import tfoptim
from tests.library.harness import random_gradients, start_weights
from tfoptim import simulate

STEPS = 12
ROUNDING = 1e-12  # float64, relative to weights of about 1, in rules that compute the same in another order
START, GRADIENTS = start_weights()[0], [g[0] for g in random_gradients(STEPS)]
PAPER = {"epsilon": 0.0}  # then it does not matter whether it stands beside the corrected root

SAME = {
    "NAdamW without beta_1 is Adam without": (
        tfoptim.NAdamW(0.1, beta_1=0.0, weight_decay=0.0, **PAPER),
        tfoptim.Adam(0.1, beta_1=0.0, **PAPER),
    ),
    "AdEMAMix without its slow mean is Adam": (tfoptim.AdEMAMix(0.1, alpha=0.0, **PAPER), tfoptim.Adam(0.1, **PAPER)),
    "AdEMAMix is warm at once after one step": (tfoptim.AdEMAMix(0.1, warmup=1), tfoptim.AdEMAMix(0.1)),
    "Adan without differences is Adam": (
        tfoptim.Adan(0.1, beta_1=0.9, beta_2=0.0, beta_3=0.999, **PAPER),
        tfoptim.Adam(0.1, **PAPER),
    ),
    "LaProp without momentum is Adam without": (
        tfoptim.LaProp(0.1, beta_1=0.0, **PAPER),
        tfoptim.Adam(0.1, beta_1=0.0, **PAPER),
    ),
    "QHAdam of means alone is Adam": (
        tfoptim.QHAdam(0.1, beta_1=0.9, nu_1=1.0, nu_2=1.0, **PAPER),
        tfoptim.Adam(0.1, **PAPER),
    ),
    "QHAdam of the gradient alone is the sign": (
        tfoptim.QHAdam(0.1, nu_1=0.0, nu_2=0.0, **PAPER),
        tfoptim.Adam(0.1, beta_1=0.0, beta_2=0.0, **PAPER),
    ),
    "AdaBound with wide bounds is Adam": (tfoptim.AdaBound(0.1, gamma=1e-12, epsilon=1e-7), tfoptim.Adam(0.1)),
    "AdaBound with closed bounds is momentum": (
        tfoptim.AdaBound(0.1, beta_1=0.0, gamma=1e15, final_lr=0.2),
        tfoptim.GD(0.2),
    ),
    "RAdam with a short memory is corrected momentum": (
        tfoptim.RAdam(0.1, beta_1=0.0, beta_2=0.6),
        tfoptim.GD(0.1),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_a_rule_is_another(name):
    """Twelve steps on a matrix."""
    one, other = (simulate(optimizer, START, GRADIENTS) for optimizer in SAME[name])
    np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING * np.max(np.abs(other)))


def test_radam_becomes_adam():
    """The factor goes to 1: after 30,000 steps of beta_2 = 0.9 the next move is Adam's with the paper's epsilon."""
    h = tfoptim.update.context.Slots({"beta_2": 0.9, "sma_threshold": 5.0, "t": 0.0})
    factors = []
    for t in (1, 5, 6, 7, 30_000):
        h.t = float(t)
        factors.append(tfoptim.rectification.rectification(h))
    assert factors[:2] == [0.0, 0.0]
    assert 0 < factors[2] < factors[3] < factors[4] == pytest.approx(1.0, abs=1e-12)


def test_adopt_only_measures_at_first():
    """The first step leaves the weights, whatever the gradient, and decays them where it is told to."""
    first = [simulate(tfoptim.ADOPT(0.1, weight_decay=decay), START, GRADIENTS[:1])[0] for decay in (None, 0.5)]
    np.testing.assert_array_equal(first[0], START)
    np.testing.assert_allclose(first[1], START * 0.95, rtol=1e-15)


def test_adabound_starts_its_bounds_at_the_first_rate_that_moves():
    """A rate of 0 at the first steps, as in a warm-up, would be divided by."""
    late = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.0, 0.1])
    path = simulate(tfoptim.AdaBound(late), START, GRADIENTS)
    np.testing.assert_array_equal(path[1], START)
    assert np.all(np.isfinite(path[-1]) & (path[-1] != START))
