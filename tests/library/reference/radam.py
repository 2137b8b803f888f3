"""RAdam (Liu et al. 2020, algorithm 2), with the threshold of 5 of the authors' code and an epsilon beside the root."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def rho_at(t, beta_2):
    """Length of the simple moving average that beta_2 stands for, in the limit and at step t."""
    limit = 2 / (1 - beta_2) - 1
    return limit, limit - 2 * t * beta_2**t / (1 - beta_2**t)


def rectified(t, beta_2, sma_threshold):
    """Factor of step t, or None where the variance is not tractable."""
    limit, rho = rho_at(t, beta_2)
    if rho < sma_threshold:
        return None
    return np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))


@stepwise
def radam(w, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, sma_threshold=5.0):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        second = largest if amsgrad else v
        m_hat = m / (1 - beta_1**t)
        r = rectified(t, beta_2, sma_threshold)
        if r is None:
            w = w - rate_at(learning_rate, t) * m_hat
        else:
            w = w - rate_at(learning_rate, t) * r * m_hat / (np.sqrt(second / (1 - beta_2**t)) + epsilon)
