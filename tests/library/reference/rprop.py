"""iRprop- (Igel & Huesken 2000)."""

from itertools import count

import numpy as np

from tests.library.reference.stepwise import stepwise


@stepwise
def rprop(w, learning_rate=0.01, eta_minus=0.5, eta_plus=1.2, min_step=1e-6, max_step=50.0):
    """Weights after each step; the learning rate is the length of the first steps."""
    lengths = np.full_like(w, learning_rate)
    before = np.zeros_like(w)
    for _ in count(1):
        w, g = yield w
        agreement = np.sign(g) * np.sign(before)
        lengths = np.where(agreement > 0, eta_plus * lengths, np.where(agreement < 0, eta_minus * lengths, lengths))
        lengths = np.clip(lengths, min_step, max_step)
        g = np.where(agreement < 0, 0.0, g)
        w = w - np.sign(g) * lengths
        before = g
