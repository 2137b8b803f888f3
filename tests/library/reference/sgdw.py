"""SGDW (Loshchilov & Hutter 2019, algorithm 1), its decay scaled by the learning rate."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def sgdw(w, learning_rate=0.01, weight_decay=0.004, momentum=0.0, nesterov=False):
    """Weights after each step."""
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        w = w - eta * weight_decay * w
        v = momentum * v - eta * g
        w = w + momentum * v - eta * g if nesterov else w + v
