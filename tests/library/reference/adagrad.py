"""AdaGrad (Duchi, Hazan, Singer 2011) with Keras's start of 0.1 and epsilon inside the root."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def adagrad(w, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7):
    """Weights after each step."""
    total = np.full_like(w, initial_accumulator_value)
    for t in count(1):
        w, g = yield w
        total = total + g**2
        w = w - rate_at(learning_rate, t) * g / np.sqrt(total + epsilon)
