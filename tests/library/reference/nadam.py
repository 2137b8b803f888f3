"""Nadam (Dozat 2015) with Keras's momentum schedule beta_1 * (1 - 0.96**t / 2)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def nadam(w, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Weights after each step; epsilon stands beside the corrected root."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    product = 1.0
    for t in count(1):
        w, g = yield w
        mu_now = beta_1 * (1 - 0.5 * 0.96**t)
        mu_next = beta_1 * (1 - 0.5 * 0.96 ** (t + 1))
        product = product * mu_now
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu_now) * g / (1 - product)
        v_hat = v / (1 - beta_2**t)
        w = w - rate_at(learning_rate, t) * m_hat / (np.sqrt(v_hat) + epsilon)
