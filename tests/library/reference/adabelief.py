"""AdaBelief (Zhuang et al. 2020, algorithm 2), rectified as in TensorFlow Addons unless told otherwise."""

from itertools import count

import numpy as np

from tests.library.reference.radam import rectified
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
    """Weights after each step; epsilon is added to the variance at every step, and to its root."""
    m = np.zeros_like(w)
    s = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * (g - m) ** 2 + epsilon
        largest = np.maximum(largest, s)
        second = largest if amsgrad else s
        m_hat = m / (1 - beta_1**t)
        denominator = np.sqrt(second / (1 - beta_2**t)) + epsilon
        r = rectified(t, beta_2, sma_threshold) if rectify else 1.0
        w = w - eta * m_hat if r is None else w - eta * r * m_hat / denominator
