"""Heavy ball (Polyak 1964, as in Sutskever et al. 2013) and Nesterov (as in Bengio et al. 2012)."""

import numpy as np

from tests.library.reference.rates import rate_at


def momentum(w, gradients, learning_rate=0.01, momentum=0.9, nesterov=False):
    """Weights after each step; v holds the learning rate, as in Keras."""
    w = np.array(w, dtype="float64")
    v = np.zeros_like(w)
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        eta = rate_at(learning_rate, t)
        beta = rate_at(momentum, t)
        v = beta * v - eta * g
        w = w + beta * v - eta * g if nesterov else w + v
        trajectory.append(w)
    return trajectory
