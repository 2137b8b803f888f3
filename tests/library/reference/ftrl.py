"""FTRL-Proximal (McMahan et al. 2013, algorithm 1), with the shrinkage of TensorFlow."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def ftrl(
    w,
    learning_rate=0.001,
    learning_rate_power=-0.5,
    initial_accumulator_value=0.1,
    l1_regularization_strength=0.0,
    l2_regularization_strength=0.0,
    l2_shrinkage_regularization_strength=0.0,
    beta=0.0,
):
    """Weights after each step: the closed form of the leader, from z and n alone."""
    n = np.full_like(w, initial_accumulator_value)
    z = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        after = n + g**2
        sigma = (after**-learning_rate_power - n**-learning_rate_power) / eta
        z = z + g + 2 * l2_shrinkage_regularization_strength * w - sigma * w
        n = after
        quadratic = (beta + n**-learning_rate_power) / eta + 2 * l2_regularization_strength
        outside = np.abs(z) > l1_regularization_strength
        w = np.where(outside, (np.sign(z) * l1_regularization_strength - z) / quadratic, 0.0)
