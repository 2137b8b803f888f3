"""NovoGrad (Ginsburg et al. 2019, algorithm 1): the second moment is one number, the squared norm of the gradient."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def novograd(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    grad_averaging=False,
    weight_decay=0.0,
):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = 0.0
    for t in count(1):
        w, g = yield w
        first = v == 0
        v = np.sum(g**2) if first else beta_2 * v + (1 - beta_2) * np.sum(g**2)
        denominator = np.sqrt(v) + epsilon
        u = g / (denominator if denominator > 0 else 1.0) + rate_at(weight_decay, t) * w
        if not grad_averaging:
            m = beta_1 * m + u
        elif first:
            m = u
        else:
            m = beta_1 * m + (1 - beta_1) * u
        w = w - rate_at(learning_rate, t) * m
