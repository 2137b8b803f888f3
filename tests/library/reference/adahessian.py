"""AdaHessian (Yao et al. 2021, algorithm 1), given the diagonal of the Hessian of each step."""

import numpy as np


def adahessian(
    w,
    gradients,
    hessians,
    learning_rate=0.1,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-4,
    hessian_power=1.0,
    weight_decay=0.0,
):
    """Weights after each step; gradients are functions of the weights, as the Hessian makes steps depend on them."""
    w = np.array(w, dtype="float64")
    m, v = np.zeros_like(w), np.zeros_like(w)
    trajectory = []
    for t, (gradient, diagonal) in enumerate(zip(gradients, hessians, strict=True), start=1):
        g = gradient(w)
        w = w - learning_rate * weight_decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * diagonal**2
        below = (v / (1 - beta_2**t)) ** (hessian_power / 2) + epsilon
        w = w - learning_rate * m / (1 - beta_1**t) / below
        trajectory.append(w)
    return trajectory
