"""AdaBound and AMSBound (Luo et al. 2019, algorithm 2, in the form of their code)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adabound(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    final_lr=0.1,
    gamma=0.001,
    epsilon=1e-8,
    amsbound=False,
):
    """Weights after each step; the bounds follow the rate relative to its first value."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    first = rate_at(learning_rate, 1)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        second = largest if amsbound else v
        final = final_lr * eta / first
        step = eta * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) / (np.sqrt(second) + epsilon)
        step = np.clip(step, final * (1 - 1 / (gamma * t + 1)), final * (1 + 1 / (gamma * t)))
        w = w - step * m
