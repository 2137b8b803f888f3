"""AdEMAMix (Pagliardini, Ablin & Grangier 2024, algorithm 1)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def ademamix(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    beta_3=0.9999,
    alpha=5.0,
    epsilon=1e-8,
    warmup=None,
):
    """Weights after each step; the slow mean is not corrected."""
    fast = np.zeros_like(w)
    slow = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        a, b = alpha, beta_3
        if warmup is not None and t < warmup:
            x = t / warmup
            a = x * alpha
            b = np.exp(np.log(beta_1) * np.log(beta_3) / ((1 - x) * np.log(beta_3) + x * np.log(beta_1)))
            b = min(b, beta_3)
        fast = beta_1 * fast + (1 - beta_1) * g
        slow = b * slow + (1 - b) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        direction = fast / (1 - beta_1**t) + a * slow
        w = w - rate_at(learning_rate, t) * direction / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
