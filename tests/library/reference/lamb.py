"""Lamb (You et al. 2020, algorithm 2), with the decay inside of the ratio as there, or taken off before as in Keras."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def lamb(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    decay_in_ratio=False,
    weight_decay=0.0,
    adapted=True,
):
    """Weights after each step; a variable that is not adapted moves as by Adam, with the paper's epsilon."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta, decay = rate_at(learning_rate, t), rate_at(weight_decay, t)
        if not decay_in_ratio:
            w = w - eta * decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        denominator = np.sqrt(v / (1 - beta_2**t)) + epsilon
        u = m / (1 - beta_1**t) / np.where(denominator == 0, 1.0, denominator)
        if decay_in_ratio:
            u = u + decay * w
        of_w, of_u = np.sqrt(np.sum(w**2)), np.sqrt(np.sum(u**2))
        phi = of_w / of_u if adapted and of_w > 0 and of_u > 0 else 1.0
        w = w - eta * phi * u
