"""Gradient descent (Cauchy 1847): w <- w - eta * gradient of the whole training set."""

from itertools import count

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


@stepwise
def gd(w, learning_rate=0.01):
    """Weights after each step of gradient descent."""
    for t in count(1):
        w, g = yield w
        w = w - rate_at(learning_rate, t) * g
