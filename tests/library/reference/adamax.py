"""Adamax (Kingma & Ba 2014, section 7.1): Adam with the largest gradient in place of the root."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adamax(w, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Weights after each step; epsilon is added to u, as in Keras."""
    m = np.zeros_like(w)
    u = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        w = w - rate_at(learning_rate, t) / (1 - beta_1**t) * m / (u + epsilon)
