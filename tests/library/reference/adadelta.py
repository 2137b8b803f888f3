"""Adadelta (Zeiler 2012) with Keras's learning rate in front; epsilon inside both roots."""

import numpy as np

from tests.library.reference.rates import rate_at


def adadelta(w, gradients, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    """Weights after each step."""
    w = np.array(w, dtype="float64")
    squared_gradients = np.zeros_like(w)
    squared_deltas = np.zeros_like(w)
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        squared_gradients = rho * squared_gradients + (1 - rho) * g**2
        delta = -np.sqrt(squared_deltas + epsilon) / np.sqrt(squared_gradients + epsilon) * g
        squared_deltas = rho * squared_deltas + (1 - rho) * delta**2
        w = w + rate_at(learning_rate, t) * delta
        trajectory.append(w)
    return trajectory
