"""Adam (Kingma & Ba 2014, the "epsilon hat" form) and AMSGrad (Reddi, Kale, Kumar 2018)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adam(w, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    """Weights after each step; epsilon stands beside the uncorrected root."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        alpha = rate_at(learning_rate, t) * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        largest = np.maximum(largest, v)
        second = largest if amsgrad else v
        w = w - alpha * m / (np.sqrt(second) + epsilon)
