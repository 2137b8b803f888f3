"""NAdamW: Nadam (Dozat 2016) with a constant momentum, and decoupled decay."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def nadamw(w, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Weights after each step; the gradient's part is corrected by t, the mean's by t + 1."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        w = w - eta * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = beta_1 * m / (1 - beta_1 ** (t + 1)) + (1 - beta_1) * g / (1 - beta_1**t)
        w = w - eta * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
