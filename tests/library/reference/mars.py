"""MARS in the form of AdamW (Yuan et al. 2024, algorithm 2), approximate: the old gradient is that of the last step."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def mars(w, learning_rate=0.003, beta_1=0.95, beta_2=0.99, gamma=0.025, epsilon=1e-8, optimize_1d=False):
    """Weights after each step; the first gradient is not corrected, vectors and scalars are not unless asked for."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    old = None
    for t in count(1):
        w, g = yield w
        c = g
        if np.ndim(w) >= 2 or optimize_1d:
            if old is not None:
                c = g + gamma * beta_1 / (1 - beta_1) * (g - old)
            c = c / max(1.0, np.sqrt(np.sum(c**2)))
        m = beta_1 * m + (1 - beta_1) * c
        v = beta_2 * v + (1 - beta_2) * c**2
        denominator = np.sqrt(v / (1 - beta_2**t)) + epsilon
        step = m / (1 - beta_1**t) / np.where(denominator == 0, 1.0, denominator)
        w = w - rate_at(learning_rate, t) * step
        old = g
