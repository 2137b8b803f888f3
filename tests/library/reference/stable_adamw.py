"""StableAdamW (Wortsman et al. 2023, algorithm 2): the rate is divided by the root mean square of g / sqrt(v)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def stable_adamw(w, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.99, epsilon=1e-8):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        kept_1 = beta_1 * (1 - beta_1 ** (t - 1)) / (1 - beta_1**t)
        kept_2 = beta_2 * (1 - beta_2 ** (t - 1)) / (1 - beta_2**t)
        m = kept_1 * m + (1 - kept_1) * g
        v = kept_2 * v + (1 - kept_2) * g**2
        bounded = np.maximum(v, epsilon**2)
        size = np.sqrt(np.mean(g**2 / np.where(bounded == 0, 1.0, bounded)))
        eta = rate_at(learning_rate, t) / max(1.0, size)
        w = w - eta * rate_at(weight_decay, t) * w
        denominator = np.sqrt(v) + epsilon
        w = w - eta * m / np.where(denominator == 0, 1.0, denominator)
