"""SOAP (Vyas et al. 2024, algorithm 3), one axis after the other."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def times(x, matrix, axis):
    """`matrix @ x` along an axis."""
    return np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis)


def outer(x, axis):
    """The sum of the products of all pairs of slices along an axis."""
    others = [i for i in range(x.ndim) if i != axis]
    return np.tensordot(x, x, axes=(others, others))


def joined(shape, limit):
    """Neighbouring axes joined, from the left, while they have no more than `limit` elements."""
    new = [1]
    for n in shape:
        if new[-1] * n <= limit or new[-1] == 1:
            new[-1] *= n
        else:
            new.append(n)
    return tuple(new)


def along(x, bases, transposed=False):
    """`x` with the basis, or its transpose, multiplied along each of its axes."""
    for axis, basis in bases.items():
        x = times(x, basis.T if transposed else basis, axis)
    return x


def turned_on(statistics, bases, v):
    """Bases after one step of the power method, sorted by eigenvalues, and v sorted as they are."""
    new = {}
    for axis, basis in bases.items():
        ahead = statistics[axis] @ basis
        order = np.argsort(-np.diag(basis.T @ ahead), kind="stable")
        new[axis] = np.linalg.qr(ahead[:, order])[0]
        v = np.take(v, order, axis=axis)
    return new, v


@stepwise
def soap(
    w,
    learning_rate=0.003,
    beta_1=0.95,
    beta_2=0.95,
    epsilon=1e-8,
    precondition_frequency=10,
    max_precondition_dim=2048,
    shampoo_beta=None,
    merge_dims=False,
):
    """Weights after each step; the first only measures."""
    b = beta_2 if shampoo_beta is None else shampoo_beta
    view = joined(w.shape, max_precondition_dim) if merge_dims and w.ndim > 1 else w.shape
    axes = [i for i, n in enumerate(view) if w.ndim > 1 and n <= max_precondition_dim]
    statistics = {i: np.zeros((view[i],) * 2) for i in axes}
    bases = {}
    m = np.zeros(view)
    v = np.zeros(view)
    for t in count(1):
        w, g = yield w
        k, g = t - 1, np.reshape(g, view)
        statistics = {i: b * statistics[i] + (1 - b) * outer(g, i) for i in axes}
        if k == 0:
            bases = {i: np.linalg.eigh(statistics[i])[1][:, ::-1] for i in axes}
            continue
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * along(g, bases, transposed=True) ** 2
        denominator = np.sqrt(v) + epsilon
        d = along(along(m, bases, transposed=True) / np.where(denominator == 0, 1.0, denominator), bases)
        rate = rate_at(learning_rate, t) * np.sqrt(1 - beta_2**k) / (1 - beta_1**k)
        w = w - rate * d.reshape(w.shape)
        if k % precondition_frequency == 0:
            bases, v = turned_on(statistics, bases, v)
