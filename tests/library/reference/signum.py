"""SignSGD and Signum (Bernstein et al. 2018, algorithms 1 and 2)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def signsgd(w, learning_rate=0.001):
    """Weights after each step along the sign of the gradient."""
    for t in count(1):
        w, g = yield w
        w = w - rate_at(learning_rate, t) * np.sign(g)


@stepwise
def signum(w, learning_rate=0.001, momentum=0.9):
    """Weights after each step along the sign of the averaged gradient."""
    m = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = momentum * m + (1 - momentum) * g
        w = w - rate_at(learning_rate, t) * np.sign(m)
