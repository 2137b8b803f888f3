"""DoG (Ivgi, Hinder & Carmon 2023, algorithm 1, with the L2 decay of the authors' code).

The arrays are all weights of a model in one: the norms are over all of them.
"""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def dog(w, learning_rate=1.0, reps_rel=1e-6, epsilon=1e-8, weight_decay=0.0):
    """Weights after each step."""
    start = w
    distance = reps_rel * (1 + np.sqrt(np.sum(start**2)))
    squares = 0.0
    for t in count(1):
        w, g = yield w
        g = g + rate_at(weight_decay, t) * w
        distance = max(distance, np.sqrt(np.sum((w - start) ** 2)))
        squares = squares + np.sum(g**2)
        if squares + epsilon > 0:
            w = w - rate_at(learning_rate, t) * distance / np.sqrt(squares + epsilon) * g
