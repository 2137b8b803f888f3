"""MADGRAD (Defazio & Jelassi 2021, algorithm 1): dual averaging around the weights at the start, and L2."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def madgrad(w, learning_rate=0.01, momentum=0.9, epsilon=1e-6, weight_decay=0.0):
    """Weights after each step; a learning rate of 0 moves nothing, though the box adds epsilon to it."""
    start = w
    s = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        g = g + rate_at(weight_decay, t) * w
        eta = rate_at(learning_rate, t)
        weight = (eta + epsilon) * np.sqrt(t) if eta > 0 else 0.0
        s = s + weight * g
        v = v + weight * g**2
        z = start - s / (np.cbrt(v) + epsilon)
        w = momentum * w + (1 - momentum) * z
