"""RMSprop (Hinton 2012, lecture 6; centered: Graves 2013), epsilon inside the root."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def rmsprop(w, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    """Weights after each step."""
    mean_of_squares = np.zeros_like(w)
    mean = np.zeros_like(w)
    velocity = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        mean_of_squares = rho * mean_of_squares + (1 - rho) * g**2
        denominator = mean_of_squares + epsilon
        if centered:
            mean = rho * mean + (1 - rho) * g
            denominator = mean_of_squares - mean**2 + epsilon
        velocity = momentum * velocity + rate_at(learning_rate, t) * g / np.sqrt(denominator)
        w = w - velocity
