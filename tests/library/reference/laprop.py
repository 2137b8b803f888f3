"""LaProp (Ziyin, Wang & Ueda 2020): gradients are scaled before they are averaged."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def laprop(w, learning_rate=0.0004, beta_1=0.9, beta_2=0.999, epsilon=1e-15):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        v = beta_2 * v + (1 - beta_2) * g**2
        m = beta_1 * m + (1 - beta_1) * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        w = w - rate_at(learning_rate, t) * m / (1 - beta_1**t)
