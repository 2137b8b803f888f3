"""Adafactor (Shazeer & Stern 2018, algorithms 4 and 6), with the factored second moment written out in full."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def rms(x):
    """Root mean square of all elements."""
    return np.sqrt(np.sum(x**2) / x.size)


@stepwise
def adafactor(
    w,
    learning_rate=0.001,
    beta_2_decay=-0.8,
    epsilon_1=1e-30,
    epsilon_2=1e-3,
    clip_threshold=1.0,
    relative_step=True,
    beta_1=None,
):
    """Weights after each step."""
    matrices = w.ndim >= 2
    r = np.zeros(w.shape[:-1])
    c = np.zeros(w.shape[:-2] + w.shape[-1:])
    v = np.zeros_like(w)
    m = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        beta_2 = 1 - t**beta_2_decay
        squares = g**2 + epsilon_1
        v = beta_2 * v + (1 - beta_2) * squares
        if matrices:
            rows, columns = w.shape[-2:]
            r = beta_2 * r + (1 - beta_2) * np.einsum("...ij->...i", squares) / columns
            c = beta_2 * c + (1 - beta_2) * np.einsum("...ij->...j", squares) / rows
            v = np.einsum("...i,...j->...ij", r, c) / (np.einsum("...i->...", r) / rows)[..., None, None]
        u = g / np.sqrt(v)
        u = u / max(1.0, rms(u) / clip_threshold)
        if beta_1 is not None:
            m = beta_1 * m + (1 - beta_1) * u
            u = m
        rate = rate_at(learning_rate, t)
        if relative_step:
            rate = min(rate, 1 / np.sqrt(t))
        if epsilon_2 is not None:
            rate = rate * max(epsilon_2, rms(w))
        w = w - rate * u
