"""RAdam (Liu et al. 2020, algorithm 2) with the threshold of the authors' code, and AMSGrad."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def radam(w, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, sma_threshold=5.0):
    """Weights after each step; until enough is known of the variance, the step is not divided by its root."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        second = largest if amsgrad else v
        step = m / (1 - beta_1**t)
        r = rectification(beta_2, t, sma_threshold)
        if r is not None:
            denominator = np.sqrt(second / (1 - beta_2**t)) + epsilon
            step = r * step / np.where(denominator == 0, 1.0, denominator)
        w = w - rate_at(learning_rate, t) * step


def rectification(beta_2, t, threshold):
    """Factor of the paper's equation 10, or None where the average is too short."""
    longest = 2 / (1 - beta_2) - 1
    length = longest - 2 * t * beta_2**t / (1 - beta_2**t)
    if length < threshold:
        return None
    above, below = (length - 4) * (length - 2) * longest, (longest - 4) * (longest - 2) * length
    return np.sqrt(above / below)
