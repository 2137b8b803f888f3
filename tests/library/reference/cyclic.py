"""Cyclic rates: Smith (2017) and Mortazi et al. (2023), whose lines hold for steps counted within a cycle."""

from itertools import count

import numpy as np

from tests.library.reference.momentum import momentum as heavy_ball
from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def between(low, high, cycle, i):
    """The rate at step i = 0, 1, ...: the paper's rising and falling lines, the count set back at each cycle's end."""
    while i >= cycle:
        i = i - cycle
    if i <= cycle / 2:
        return 2 * (high - low) / cycle * i + low
    return -2 * (high - low) / cycle * i + 2 * high - low


def cyclic_rate(learning_rate, peak_factor=10.0, cycle=1000, **_):
    """The learning rate as a function of the step."""

    def rate(step):
        low = rate_at(learning_rate, step + 1)
        return between(low, peak_factor * low, cycle, step)

    return rate


@stepwise
def clr(w, learning_rate=0.01, peak_factor=10.0, cycle=1000, momentum=0.9, nesterov=False):
    """Weights after each step: the heavy ball, or Nesterov, under that rate."""
    return heavy_ball.steps(w, cyclic_rate(learning_rate, peak_factor, cycle), momentum, nesterov)


@stepwise
def clmr(
    w,
    learning_rate=0.01,
    peak_factor=10.0,
    cycle=1000,
    momentum=0.85,
    peak_momentum=0.95,
    momentum_cycle=None,
):
    """Stored weights after each step, by the textbook form with two points.

    `x` is the iterate and `d` its last displacement; the gradient belongs to the look-ahead point `x + beta d`, which
    is the point that optimizers store.
    """
    rate = cyclic_rate(learning_rate, peak_factor, cycle)
    d = np.zeros_like(w)
    for i in count():
        w, g = yield w
        beta, following = (between(momentum, peak_momentum, momentum_cycle or cycle, j) for j in (i, i + 1))
        x = w - beta * d
        new = x + beta * d - rate(i) * g
        d = new - x
        w = new + following * d
