"""Simulation of a rule in float64 NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from tfoptim.declaration.slots import arrays
from tfoptim.groups import of_path
from tfoptim.update.context import Slots


def simulate(optimizer: Any, weights: Any, gradients: Sequence[Any], path: str = "") -> np.ndarray:
    """Runs an optimizer's rule and its weight decay in float64 NumPy, without the other stages of a step.

    Args:
        optimizer: any optimizer of tfoptim; it is not changed.
        weights: start, array-like of any shape.
        gradients: per step, one array-like of the same shape, or a function that computes it from the weights.
        path: of the variable, for its group, exclusions, and slots whose shape depends on it.

    Returns:
        Array of shape `(steps, *shape)`: the weights after each step.

    >>> import tfoptim
    >>> simulate(tfoptim.Adam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99900003, 0.99936613, 0.99902289])

    Three steps on x ** 2 from 1, with gradient 2 x:

    >>> simulate(tfoptim.GD(learning_rate=0.25), 1.0, [lambda x: 2 * x] * 3)
    array([0.5  , 0.25 , 0.125])
    """
    w = np.array(weights, np.float64)
    state = Slots(arrays(optimizer, w, path))
    shared = Slots(dict(optimizer.shared))
    numbers = {name: optimizer.given(name) for name in optimizer.numbers()}
    numbers |= dict.fromkeys(set(optimizer.excludable) - numbers.keys(), 1.0)
    own = of_path(optimizer.given("groups"), optimizer.exclusions(), path)
    trajectory = []
    for t, gradient in enumerate(gradients, start=1):
        g = gradient(w) if callable(gradient) else gradient
        h = SimpleNamespace(t=float(t), **{name: _at(value, t - 1) for name, value in (numbers | own).items()})
        h.common_rate = _at(numbers.get("learning_rate", 1.0), t - 1)
        if "learning_rate" in own:
            h.learning_rate *= h.common_rate
        if optimizer.own_decay:
            h.weight_decay = h.weight_decay or 0.0
        optimizer.once(h, shared)
        if h.weight_decay is not None and not optimizer.own_decay:
            w = w - w * (h.learning_rate * h.weight_decay)
        w = optimizer.step(h, np.asarray(g, np.float64), w, state)
        trajectory.append(w)
    return np.array(trajectory)


def _at(value: Any, step: int) -> Any:
    return float(keras.ops.convert_to_numpy(value(step))) if callable(value) else value
