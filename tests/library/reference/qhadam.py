"""QHAdam (Ma & Yarats 2019, algorithm 2)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def qhadam(w, learning_rate=0.001, beta_1=0.995, beta_2=0.999, nu_1=0.7, nu_2=1.0, epsilon=1e-8):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_hat = v / (1 - beta_2**t)
        root = np.sqrt((1 - nu_2) * g**2 + nu_2 * v_hat)
        w = w - rate_at(learning_rate, t) * ((1 - nu_1) * g + nu_1 * m_hat) / (root + epsilon)
