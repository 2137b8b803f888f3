"""Muon (Jordan et al. 2024; Liu et al. 2025) by singular values, which an odd polynomial of a matrix acts on alone."""

from itertools import count

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import stepwise


def orthogonalized(u, triples):
    """The matrix with each singular value sent through the polynomials, after division by the Frobenius norm."""
    left, values, right = np.linalg.svd(u, full_matrices=False)
    x = values / (np.sqrt(np.sum(values**2)) + 1e-7)
    for a, b, c in triples:
        x = a * x + b * x**3 + c * x**5
    return left @ np.diag(x) @ right


@stepwise
def muon(
    w,
    learning_rate=0.001,
    adam_beta_1=0.9,
    adam_beta_2=0.999,
    adam_weight_decay=0.004,
    epsilon=1e-7,
    weight_decay=0.004,
    muon_a=3.4445,
    muon_b=-4.775,
    muon_c=2.0315,
    adam_lr_ratio=1.0,
    momentum=0.95,
    ns_steps=5,
    nesterov=True,
    rms_rate=0.2,
    coefficients=None,
    width_scale=False,
    rows=None,
):
    """Weights after each step; `rows` is the number of leading axes that are rows, all but the last unless given."""
    shape = w.shape
    split = max(w.ndim - 1, 0) if rows is None else rows
    r, c = int(np.prod(shape[:split])), int(np.prod(shape[split:]))
    is_matrix = min(r, c) > 1
    triples = coefficients or [(muon_a, muon_b, muon_c)] * ns_steps
    scale = 1.0 if rms_rate is None else rms_rate * np.sqrt(max(r, c))
    if width_scale:
        scale = np.sqrt(max(1.0, c / r))
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in count(1):
        w, g = yield w
        eta = rate_at(learning_rate, t)
        if is_matrix:
            w = w - eta * (weight_decay or 0.0) * w
            m = momentum * m + g
            u = g + momentum * m if nesterov else m
            w = w - eta * scale * orthogonalized(u.reshape(r, c), triples).reshape(shape)
        else:
            w = w - eta * (adam_weight_decay or 0.0) * w
            m = adam_beta_1 * m + (1 - adam_beta_1) * g
            v = adam_beta_2 * v + (1 - adam_beta_2) * g**2
            alpha = eta * adam_lr_ratio * np.sqrt(1 - adam_beta_2**t) / (1 - adam_beta_1**t)
            denominator = np.sqrt(v) + epsilon
            w = w - alpha * m / np.where(denominator == 0, 1.0, denominator)
