"""LARS (You, Gitman & Ginsburg 2017, algorithm 1): the velocity holds the rate, the ratio has the sum of two norms."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def lars(
    w,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=False,
    trust_coefficient=0.001,
    epsilon=0.0,
    weight_decay=0.0,
    adapted=True,
):
    """Weights after each step; a variable that is not adapted moves as by momentum with L2."""
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta, decay = rate_at(learning_rate, t), rate_at(weight_decay, t)
        of_w, of_g = np.sqrt(np.sum(w**2)), np.sqrt(np.sum(g**2))
        local = 1.0
        if adapted and of_w > 0 and of_g > 0:
            local = trust_coefficient * of_w / (of_g + decay * of_w + epsilon)
        v = momentum * v + eta * local * (g + decay * w)
        w = w - (momentum * v + eta * local * (g + decay * w)) if nesterov else w - v
