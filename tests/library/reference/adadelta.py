"""Adadelta (Zeiler 2012) with Keras's learning rate in front; epsilon inside both roots."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adadelta(w, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    """Weights after each step."""
    squared_gradients = np.zeros_like(w)
    squared_deltas = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        squared_gradients = rho * squared_gradients + (1 - rho) * g**2
        delta = -np.sqrt(squared_deltas + epsilon) / np.sqrt(squared_gradients + epsilon) * g
        squared_deltas = rho * squared_deltas + (1 - rho) * delta**2
        w = w + rate_at(learning_rate, t) * delta
