"""ADOPT (Taniguchi et al. 2024, algorithm 2): each gradient is divided by the root of those before it."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adopt(w, learning_rate=0.001, beta_1=0.9, beta_2=0.9999, epsilon=1e-6, clip_exponent=0.25):
    """Weights after each step; the first only measures."""
    m = np.zeros_like(w)
    v = None
    for t in count(1):
        w, g = yield w
        if v is None:
            v = g**2
            continue
        u = g / np.maximum(np.sqrt(v), epsilon)
        if clip_exponent is not None:
            bound = (t - 1) ** clip_exponent
            u = np.clip(u, -bound, bound)
        m = beta_1 * m + (1 - beta_1) * u
        w = w - rate_at(learning_rate, t) * m
        v = beta_2 * v + (1 - beta_2) * g**2
