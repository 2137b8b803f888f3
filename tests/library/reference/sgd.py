"""Stochastic gradient descent (Robbins & Monro 1951), with Keras's momentum argument."""

from tests.library.reference.gd import gd
from tests.library.reference.momentum import momentum as heavy_ball
from tests.library.reference.stepwise import stepwise


@stepwise
def sgd(w, learning_rate=0.01, momentum=0.0, nesterov=False):
    """Weights after each step; without momentum this is gradient descent on other gradients."""
    if momentum == 0.0:
        return gd.steps(w, learning_rate)
    return heavy_ball.steps(w, learning_rate, momentum, nesterov)
