"""AdaGrad with proximal steps (Duchi & Singer 2009)."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def proximal_adagrad(
    w,
    learning_rate=0.001,
    initial_accumulator_value=0.1,
    l1_regularization_strength=0.0,
    l2_regularization_strength=0.0,
):
    """Weights after each step: a step of AdaGrad, then the nearest point that the penalties leave."""
    total = np.full_like(w, initial_accumulator_value)
    for t in count(1):
        w, g = yield w
        total = total + g**2
        rate = rate_at(learning_rate, t) / np.sqrt(total)
        w = w - rate * g
        shrunk = np.maximum(np.abs(w) - rate * l1_regularization_strength, 0.0)
        w = np.sign(w) * shrunk / (1 + rate * l2_regularization_strength)
