"""Adam (Kingma & Ba 2014, the "epsilon hat" form) and AMSGrad (Reddi, Kale, Kumar 2018)."""

import numpy as np

from tests.library.reference.rates import rate_at


def adam(w, gradients, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    """Weights after each step; epsilon stands beside the uncorrected root."""
    w = np.array(w, dtype="float64")
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    largest = np.zeros_like(w)
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        alpha = rate_at(learning_rate, t) * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        largest = np.maximum(largest, v)
        second = largest if amsgrad else v
        w = w - alpha * m / (np.sqrt(second) + epsilon)
        trajectory.append(w)
    return trajectory
