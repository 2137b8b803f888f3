"""Shampoo (Gupta, Koren & Singer 2018), with means and grafting as in Anil et al. 2020 and Shi et al. 2023."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.soap import outer, times
from tests.library.reference.stepwise import stepwise


def inverse_root(x, power, epsilon, relative):
    """`(x + epsilon I)^-power`, by eigenvalues; the identity of a zero matrix."""
    values, vectors = np.linalg.eigh(x)
    values = np.maximum(values, 0.0)
    values = values + (epsilon * values.max() if relative else epsilon)
    if values.max() == 0:
        return np.eye(len(x))
    return sum(np.outer(u, u) * value**-power for value, u in zip(values, vectors.T, strict=True) if value > 0)


@stepwise
def shampoo(
    w,
    learning_rate=0.001,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    precondition_frequency=10,
    max_precondition_dim=1024,
    relative_epsilon=True,
    start_step=None,
    exponent=None,
    grafting="adam",
    grafting_epsilon=1e-8,
):
    """Weights after each step."""
    start = start_step or precondition_frequency
    axes = [i for i, n in enumerate(w.shape) if n <= max_precondition_dim]
    statistics = {i: np.zeros((w.shape[i],) * 2) for i in axes}
    roots = {i: np.eye(w.shape[i]) for i in axes}
    share = 1.0 if beta_2 == 1 else 1 - beta_2
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        weight = 1.0 if beta_2 == 1 else 1 - beta_2**t
        for i in axes:
            statistics[i] = beta_2 * statistics[i] + share * outer(g, i)
        if t == start or (t > start and t % precondition_frequency == 0):
            for i in axes:
                power = 1 / (2 * w.ndim) if exponent is None else exponent
                roots[i] = inverse_root(statistics[i] / weight, power, epsilon, relative_epsilon)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + share * g**2
        d = corrected = m / (1 - beta_1**t)
        for i in axes:
            d = times(d, roots[i], i)
        if grafting is not None:
            root = {"adam": np.sqrt(v / weight), "rmsprop": np.sqrt(v), "sgd": 1.0}[grafting]
            denominator = root + (0.0 if grafting == "sgd" else grafting_epsilon)
            graft = corrected / np.where(denominator == 0, 1.0, denominator)
            d = graft if t < start else d * np.linalg.norm(graft) / (np.linalg.norm(d) + 1e-16)
        w = w - rate_at(learning_rate, t) * d
