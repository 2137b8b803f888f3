"""Yogi (Zaheer et al. 2018, algorithm 2), with the bias correction of TensorFlow Addons."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def yogi(w, learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=0.001, initial_accumulator_value=1e-6):
    """Weights after each step; epsilon stands beside the uncorrected root."""
    m = np.zeros_like(w)
    v = np.full_like(w, initial_accumulator_value)
    for t in count(1):
        w, g = yield w
        m = beta_1 * m + (1 - beta_1) * g
        v = v - (1 - beta_2) * np.sign(v - g**2) * g**2
        alpha = rate_at(learning_rate, t) * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (np.sqrt(v) + epsilon)
