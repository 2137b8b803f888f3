"""SAM (Foret et al. 2021, algorithm 1) and ASAM (Kwon et al. 2021, algorithm 1), around gradient descent."""

import numpy as np


def gradients_nearby(weights, gradients_at, rho=0.05, adaptive=False):
    """Gradients at the worst point within `rho`, by one norm over all variables.

    Args:
        weights: a list of arrays.
        gradients_at: weights -> a list of arrays.
        rho: length of the perturbation.
        adaptive: whether the length is measured in units of each weight's size.
    """
    gradients = gradients_at(weights)
    sizes = [np.abs(w) if adaptive else np.ones_like(w) for w in weights]
    norm = np.sqrt(sum(np.sum((size * g) ** 2) for size, g in zip(sizes, gradients, strict=True)))
    ups = [rho * size**2 * g / (norm + 1e-12) for size, g in zip(sizes, gradients, strict=True)]
    return gradients_at([w + up for w, up in zip(weights, ups, strict=True)])


def sam(weights, gradients_at, steps, learning_rate=0.05, momentum=0.0, weight_decay=0.0, calls=1, **nearby):
    """Weights after each step of gradient descent with heavy-ball momentum; one step takes the mean of `calls`."""
    weights, velocity, trajectory = list(weights), [0.0 * w for w in weights], []
    for _ in range(steps):
        collected = [gradients_nearby(weights, gradients_at, **nearby) for _ in range(calls)]
        mean = [sum(parts) / calls for parts in zip(*collected, strict=True)]
        weights = [w * (1 - learning_rate * weight_decay) for w in weights]
        velocity = [momentum * v - learning_rate * g for v, g in zip(velocity, mean, strict=True)]
        weights = [w + v for w, v in zip(weights, velocity, strict=True)]
        trajectory.append(list(weights))
    return trajectory
