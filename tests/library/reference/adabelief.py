"""AdaBelief (Zhuang et al. 2020, algorithm 2), with the rectification and the AMSGrad of its packages."""

from itertools import count

import numpy as np

from tests.library.reference.radam import rectification
from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adabelief(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-14,
    amsgrad=False,
    rectify=True,
    sma_threshold=5.0,
):
    """Weights after each step; epsilon is added to what is stored, and to its root."""
    m = np.zeros_like(w)
    s = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * (g - m) ** 2 + epsilon
        largest = np.maximum(largest, s)
        second = largest if amsgrad else s
        r = rectification(beta_2, t, sma_threshold) if rectify else 1.0
        step = m / (1 - beta_1**t)
        if r is not None:
            denominator = np.sqrt(second / (1 - beta_2**t)) + epsilon
            step = r * step / np.where(denominator == 0, 1.0, denominator)
        w = w - rate_at(learning_rate, t) * step
