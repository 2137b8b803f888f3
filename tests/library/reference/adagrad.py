"""AdaGrad (Duchi, Hazan, Singer 2011) with Keras's start of 0.1 and epsilon inside the root."""

import numpy as np

from tests.library.reference.rates import rate_at


def adagrad(w, gradients, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7):
    """Weights after each step."""
    w = np.array(w, dtype="float64")
    total = np.full_like(w, initial_accumulator_value)
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        total = total + g**2
        w = w - rate_at(learning_rate, t) * g / np.sqrt(total + epsilon)
        trajectory.append(w)
    return trajectory
