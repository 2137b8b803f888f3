"""Adan (Xie et al. 2022, algorithm 1) with betas as shares that are kept, and decoupled decay before the step."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adan(w, learning_rate=0.001, beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-8, weight_decay=0.0):
    """Weights after each step; the first gradient has no difference to one before."""
    m = np.zeros_like(w)
    d = np.zeros_like(w)
    n = np.zeros_like(w)
    old = None
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        w = w - eta * weight_decay * w
        difference = np.zeros_like(w) if old is None else g - old
        m = beta_1 * m + (1 - beta_1) * g
        d = beta_2 * d + (1 - beta_2) * difference
        n = beta_3 * n + (1 - beta_3) * (g + beta_2 * difference) ** 2
        ahead = m / (1 - beta_1**t) + beta_2 * d / (1 - beta_2**t)
        w = w - eta * ahead / (np.sqrt(n / (1 - beta_3**t)) + epsilon)
        old = g
