"""Heavy ball (Polyak 1964, as in Sutskever et al. 2013) and Nesterov (as in Bengio et al. 2012)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def momentum(w, learning_rate=0.01, momentum=0.9, nesterov=False):
    """Weights after each step; v holds the learning rate, as in Keras."""
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        beta = rate_at(momentum, t)
        v = beta * v - eta * g
        w = w + beta * v - eta * g if nesterov else w + v
