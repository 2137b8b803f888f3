"""Simulation of a rule in float64 NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, overload

import keras
import numpy as np

from tfoptim.declaration.slots import arrays
from tfoptim.groups import of_path
from tfoptim.update.context import Slots


@overload
def simulate(
    optimizer: Any, weights: Mapping[str, Any], gradients: Sequence[Any], path: str = ""
) -> dict[str, np.ndarray]: ...
@overload
def simulate(optimizer: Any, weights: Any, gradients: Sequence[Any], path: str = "") -> np.ndarray: ...
def simulate(optimizer: Any, weights: Any, gradients: Sequence[Any], path: str = "") -> Any:
    """Runs an optimizer's rule and its weight decay in float64 NumPy, without the other stages of a step.

    Args:
        optimizer: any optimizer of tfoptim; it is not changed.
        weights: start, array-like of any shape; of several variables, a dictionary by path.
        gradients: per step, one array-like of the same shape, or a function that computes it from the weights; of
            several variables, dictionaries like `weights`.
        path: of the variable, for its group, exclusions, and slots whose shape depends on it.

    Returns:
        Array of shape `(steps, *shape)`: the weights after each step; of several variables, a dictionary of them.

    >>> import tfoptim
    >>> simulate(tfoptim.Adam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99900003, 0.99936613, 0.99902289])

    Three steps on x ** 2 from 1, with gradient 2 x:

    >>> simulate(tfoptim.GD(learning_rate=0.25), 1.0, [lambda x: 2 * x] * 3)
    array([0.5  , 0.25 , 0.125])
    """
    if isinstance(weights, Mapping):
        return _run(optimizer, weights, gradients)
    return _run(optimizer, {path: weights}, [_of_one(g, path) for g in gradients])[path]


def _of_one(gradient: Any, path: str) -> Any:
    """Returns the gradient of one variable as that of a dictionary of variables."""
    return (lambda w: {path: gradient(w[path])}) if callable(gradient) else {path: gradient}


def _run(optimizer: Any, weights: Mapping[str, Any], gradients: Sequence[Any]) -> dict[str, np.ndarray]:
    w = {path: np.array(start, np.float64) for path, start in weights.items()}
    slots = {path: Slots(arrays(optimizer, start, path)) for path, start in w.items()}
    own = {path: of_path(optimizer.given("groups"), optimizer.exclusions(), path) for path in w}
    shared = Slots(dict(optimizer.shared))
    trajectory = []
    for step, gradient in enumerate(gradients):
        found = gradient(w) if callable(gradient) else gradient
        g = {path: np.asarray(found[path], np.float64) for path in w}
        h = {path: _numbers(optimizer, numbers, step) for path, numbers in own.items()}
        of_all = _numbers(optimizer, {}, step)
        if optimizer.measures:
            _measure(optimizer, of_all, h, g, w, slots, shared)
        for numbers in h.values():
            optimizer.once(numbers, Slots(vars(shared)))
        optimizer.once(of_all, shared)  # shared state moves by the optimizer's own numbers
        w = {path: _next(optimizer, h[path], g[path], w[path], slots[path]) for path in w}
        trajectory.append(w)
    return {path: np.array([now[path] for now in trajectory]) for path in w}


def _numbers(optimizer: Any, own: Mapping[str, Any], step: int) -> SimpleNamespace:
    """Returns the hyperparameters of a variable whose group has numbers of its own, at a step counted from 0."""
    numbers = {name: optimizer.given(name) for name in optimizer.numbers()}
    numbers |= dict.fromkeys(set(optimizer.excludable) - numbers.keys(), 1.0)
    h = SimpleNamespace(t=step + 1.0, **{name: _at(value, step) for name, value in (numbers | own).items()})
    h.common_rate = _at(numbers.get("learning_rate", 1.0), step)
    if "learning_rate" in own:
        h.learning_rate *= h.common_rate
    if optimizer.own_decay:
        h.weight_decay = h.weight_decay or 0.0
    return h


def _measure(optimizer: Any, of_all: Any, h: Any, g: Any, w: Any, slots: Any, shared: Slots) -> None:
    """Adds to all hyperparameters the shared state and the sums of what the rule measures."""
    for numbers in (of_all, *h.values()):
        vars(numbers).update(vars(shared))
    found = [optimizer.measure(h[path], g[path], w[path], Slots(vars(slots[path]))) for path in w]
    sums = {name: sum(numbers[name] for numbers in found) for name in found[0]}
    for numbers in (of_all, *h.values()):
        vars(numbers).update(sums)


def _next(optimizer: Any, h: Any, g: np.ndarray, w: np.ndarray, s: Slots) -> np.ndarray:
    """Returns the weights of one variable after a step."""
    decay = None if optimizer.own_decay else optimizer.decay_of(h, s)
    if decay is not None:
        w = w - w * (h.learning_rate * decay)
    return optimizer.step(h, g, w, s)  # type: ignore[no-any-return]


def _at(value: Any, step: int) -> Any:
    return float(keras.ops.convert_to_numpy(value(step))) if callable(value) else value
