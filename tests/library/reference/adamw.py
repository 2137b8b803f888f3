"""AdamW (Loshchilov & Hutter 2019): decay the weights by rate times factor, then the Adam step."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adamw(
    w,
    learning_rate=0.001,
    weight_decay=0.004,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-7,
    amsgrad=False,
):
    """Weights after each step."""
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        w = w - eta * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        second = largest if amsgrad else v
        alpha = eta * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - alpha * m / (np.sqrt(second) + epsilon)
