"""Simulation of a rule in float64 NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, overload

import keras
import numpy as np

from tfoptim.declaration.slots import arrays
from tfoptim.groups import of_path
from tfoptim.update.context import Slots
from tfoptim.wrappers.inside import check_optimizer


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
        path: of the variable, for its group or its optimizer, exclusions, and slots whose shape depends on it.

    Returns:
        Array of shape `(steps, *shape)`: the weights after each step; of several variables, a dictionary of them.

    Raises:
        TypeError: `optimizer` is no optimizer of tfoptim.

    >>> import tfoptim
    >>> simulate(tfoptim.Adam(), 1.0, [0.1, -0.2, 0.3])
    array([0.99900003, 0.99936613, 0.99902289])

    Three steps on x ** 2 from 1, with gradient 2 x:

    >>> simulate(tfoptim.GD(learning_rate=0.25), 1.0, [lambda x: 2 * x] * 3)
    array([0.5  , 0.25 , 0.125])
    """
    check_optimizer("simulate", "optimizer", optimizer)
    if isinstance(weights, Mapping):
        return _run(optimizer, weights, gradients)
    return _run(optimizer, {path: weights}, [_of_one(g, path) for g in gradients])[path]


def _of_one(gradient: Any, path: str) -> Any:
    """Returns the gradient of one variable as that of a dictionary of variables."""
    return (lambda w: {path: gradient(w[path])}) if callable(gradient) else {path: gradient}


def _run(optimizer: Any, weights: Mapping[str, Any], gradients: Sequence[Any]) -> dict[str, np.ndarray]:
    w = {path: np.array(start, np.float64) for path, start in weights.items()}
    parts = {path: optimizer._part_of(path) for path in w}
    own = {part: {path: w[path] for path in w if parts[path] is part} for part in parts.values()}
    states = [_State.of(part, start) for part, start in own.items()]
    trajectory = []
    for step, gradient in enumerate(gradients):
        found: Any = gradient(w) if callable(gradient) else gradient
        g = {path: np.asarray(found[path], np.float64) for path in w}
        for state in states:
            w = w | state.moved(step, g, w)
        trajectory.append(w)
    return {path: np.array([now[path] for now in trajectory]) for path in w}


@dataclass
class _State:
    """An optimizer with its state: slots and the numbers of its group by path, and what all variables share."""

    optimizer: Any
    slots: Mapping[str, Slots]
    own: Mapping[str, dict[str, Any]]
    shared: Slots

    @classmethod
    def of(cls, optimizer: Any, start: Mapping[str, np.ndarray]) -> _State:
        groups, exclusions = optimizer.given("groups"), optimizer.exclusions_of_numbers()
        slots = {path: Slots(arrays(optimizer, w, path)) for path, w in start.items()}
        own = {path: of_path(groups, exclusions, path) for path in start}
        return cls(optimizer, slots, own, Slots(dict(optimizer.shared)))

    def moved(self, step: int, g: Mapping[str, np.ndarray], w: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the weights after a step, counted from 0."""
        optimizer = self.optimizer
        h = {path: _numbers(optimizer, numbers, step) for path, numbers in self.own.items()}
        of_all = _numbers(optimizer, {}, step)
        if optimizer.measures:
            self.measure([of_all, *h.values()], h, g, w)
        for numbers in h.values():
            optimizer.once(numbers, Slots(vars(self.shared)))
        optimizer.once(of_all, self.shared)  # shared state moves by the optimizer's own numbers
        return {path: _next(optimizer, h[path], g[path], w[path], s) for path, s in self.slots.items()}

    def measure(self, everywhere: Sequence[Any], h: Any, g: Any, w: Any) -> None:
        """Adds to all hyperparameters the shared state and the sums of what the rule measures."""
        for numbers in everywhere:
            vars(numbers).update(vars(self.shared))
        found = [self.optimizer.measure(h[path], g[path], w[path], Slots(vars(s))) for path, s in self.slots.items()]
        for numbers in everywhere:
            vars(numbers).update({name: sum(each[name] for each in found) for name in found[0]})


def _numbers(optimizer: Any, own: dict[str, Any], step: int) -> SimpleNamespace:
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


def _next(optimizer: Any, h: Any, g: np.ndarray, w: np.ndarray, s: Slots) -> np.ndarray:
    """Returns the weights of one variable after a step."""
    decay = None if optimizer.own_decay else optimizer.decay_of(h, s)
    if decay is not None:
        w = w - w * (h.learning_rate * decay)
    return optimizer.step(h, g, w, s)  # type: ignore[no-any-return]


def _at(value: Any, step: int) -> Any:
    return float(keras.ops.convert_to_numpy(value(step))) if callable(value) else value
