"""Lion (Chen et al. 2023, algorithm 2)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def lion(w, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0):
    """Weights after each step."""
    m = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        w = w - rate_at(learning_rate, t) * weight_decay * w
        update = np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
        w = w - rate_at(learning_rate, t) * update
