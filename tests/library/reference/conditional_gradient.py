"""Conditional gradient (Frank & Wolfe 1956) on a Euclidean ball."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def conditional_gradient(w, learning_rate=0.99, lambda_=0.01, epsilon=1e-7):
    """Weights after each step: a share of the old ones, and the corner of the ball against the gradient."""
    for t in count(1):
        w, g = yield w
        kept = rate_at(learning_rate, t)
        corner = -lambda_ * g / (np.sqrt(np.sum(g**2)) + epsilon)
        w = kept * w + (1 - kept) * corner
