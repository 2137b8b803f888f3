"""COCOB (Orabona & Tommasi 2017, algorithm 2)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def cocob(w, learning_rate=None, alpha=100.0, epsilon=1e-8, weight_decay=0.0):
    """Weights after each step; there is no learning rate, whatever is given."""
    del learning_rate
    start = w
    largest = np.full_like(w, epsilon)
    sizes, reward, outcome = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        g = g + rate_at(weight_decay, t) * w
        largest = np.maximum(largest, np.abs(g))
        sizes = sizes + np.abs(g)
        reward = np.maximum(reward - g * (w - start), 0.0)
        outcome = outcome - g
        below = largest * np.maximum(sizes + largest, alpha * largest)
        share = outcome / np.where(below > 0, below, 1.0)
        w = start + share * (largest + reward)
