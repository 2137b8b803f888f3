"""QHM (Ma & Yarats 2019, algorithm 1)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def qhm(w, learning_rate=1.0, momentum=0.999, nu=0.7):
    """Weights after each step."""
    m = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = momentum * m + (1 - momentum) * g
        w = w - rate_at(learning_rate, t) * ((1 - nu) * g + nu * m)
