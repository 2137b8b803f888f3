"""Prodigy (Mishchenko & Defazio 2024, algorithm 4, with the safeguard and the limits of the authors' code).

The arrays are all weights of a model in one: inner product and norm are over all of them.
"""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def prodigy(
    w,
    learning_rate=1.0,
    beta_1=0.9,
    beta_2=0.999,
    beta_3=None,
    epsilon=1e-8,
    d0=1e-6,
    d_coef=1.0,
    growth_rate=None,
    use_bias_correction=False,
    safeguard_warmup=False,
    weight_decay=0.0,
):
    """Weights after each step; the rate is that of the old d, epsilon has the new."""
    start = w
    m, v, s = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    memory = np.sqrt(beta_2) if beta_3 is None else beta_3
    d = d_max = d0
    numerator = 0.0
    for t in count(1):
        w, g = yield w
        correction = np.sqrt(1 - beta_2**t) / (1 - beta_1**t) if use_bias_correction else 1.0
        rate = d * rate_at(learning_rate, t) * correction
        numerator = memory * numerator + d / d0 * rate * np.sum(g * (start - w))
        s = memory * s + d / d0 * (d if safeguard_warmup and rate > 0 else rate) * g
        if np.sum(np.abs(s)) == 0:
            continue
        m = beta_1 * m + (1 - beta_1) * d * g
        v = beta_2 * v + (1 - beta_2) * (d * g) ** 2
        estimate = d_coef * numerator / np.sum(np.abs(s))
        if d == d0:
            d = max(d, estimate)
        d_max = max(d_max, estimate)
        d = d_max if growth_rate is None else min(d_max, d * growth_rate)
        w = w - rate * rate_at(weight_decay, t) * w - rate * m / (np.sqrt(v) + d * epsilon)
