"""Adan (Xie et al. 2022, algorithm 1), with betas as shares that are kept."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adan(w, learning_rate=0.001, beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-8):
    """Weights after each step; there is no difference of gradients at the first."""
    m = np.zeros_like(w)
    d = np.zeros_like(w)
    n = np.zeros_like(w)
    before = None
    for t in count(1):
        w, g = yield w
        y = np.zeros_like(g) if before is None else g - before
        m = beta_1 * m + (1 - beta_1) * g
        d = beta_2 * d + (1 - beta_2) * y
        n = beta_3 * n + (1 - beta_3) * (g + beta_2 * y) ** 2
        direction = m / (1 - beta_1**t) + beta_2 * d / (1 - beta_2**t)
        w = w - rate_at(learning_rate, t) * direction / (np.sqrt(n / (1 - beta_3**t)) + epsilon)
        before = g
