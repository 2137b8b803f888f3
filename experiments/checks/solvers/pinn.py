"""A physics-informed network: Adam alone, and L-BFGS after it, for the same number of gradients.

    u_xx + u_yy = -2 pi^2 sin(pi x) sin(pi y)  inside the unit square,  u = 0 on its edge;  u = sin(pi x) sin(pi y)

The loss is the mean square of the equation's residual on a grid, divided by that of its right side, plus the mean
square on the edge. The residual that is reported is the root of the first mean, at points that are not trained on.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

HISTORY = 50  # pairs of L-BFGS
RATE = 1e-2  # of Adam, falling to 0 by a cosine where it is alone
SIDE, CHECKED = 16, 41  # points a side of the grids trained on and checked on
WIDTH = 20  # of two hidden layers
EVERY = 25  # gradients between measurements


def rows(seeds: Sequence[int], gradients: int, first: int) -> list[dict[str, Any]]:
    """Returns a row for each seed, way and measurement: gradients so far, residual, and error of the solution."""
    return [row for seed in seeds for way in (False, True) for row in _run(seed, way, gradients, first)]


def ratio(table: Sequence[Mapping[str, Any]]) -> tuple[float, float, float]:
    """Returns lowest, median and highest ratio of the last residuals: Adam alone to L-BFGS after it, seed by seed."""
    last = {(row["optimizer"], row["seed"]): row["residual"] for row in table}
    seeds = sorted({row["seed"] for row in table})
    ratios = [last[LABELS[False], seed] / last[LABELS[True], seed] for seed in seeds]
    return min(ratios), statistics.median(ratios), max(ratios)


LABELS = {False: "Adam alone", True: "L-BFGS after Adam"}


def _run(seed: int, second: bool, gradients: int, first: int) -> list[dict[str, Any]]:
    """Trains a network of a seed in one of the ways."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(n, activation, dtype="float64") for n, activation in SHAPE]
    model = keras.Sequential([keras.Input([2], dtype="float64"), *layers])
    inside, edge, checked = _grid(SIDE), _edge(SIDE), _grid(CHECKED)

    def loss() -> Any:
        scale = math.pi**4  # mean square of the right side
        return tf.reduce_mean(_residual(layers, inside) ** 2) / scale + tf.reduce_mean(forward(layers, edge)[0] ** 2)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def measure() -> Any:
        error = forward(layers, checked)[0] - _solution(checked)
        return tf.sqrt(tf.reduce_mean(_residual(layers, checked) ** 2)), tf.reduce_max(tf.abs(error))

    found: list[dict[str, Any]] = []

    def keep(done: int) -> None:
        if done <= gradients and (not found or done >= found[-1]["gradients"] + EVERY or done == gradients):
            residual, error = (float(value) for value in measure())
            found.append(
                {"optimizer": LABELS[second], "seed": seed, "gradients": done, "residual": residual, "error": error}
            )

    _train(loss, model.trainable_variables, keep, gradients, first if second else gradients)
    return found


def _train(loss: Any, variables: Any, keep: Callable[[int], None], gradients: int, first: int) -> None:
    """Takes the first of all gradients by Adam, and the others by L-BFGS; Adam's rate falls if it has them all."""
    import keras

    import tfoptim

    keep(0)
    rate = RATE if first < gradients else keras.optimizers.schedules.CosineDecay(RATE, gradients)
    step = _step(tfoptim.Adam(rate), loss, variables)
    for done in range(1, first + 1):
        step()
        keep(done)
    if first < gradients:
        stop = tfoptim.callbacks.Budget(gradients=gradients - first)
        after = [lambda now: keep(first + now.evaluations)]
        tfoptim.minimize(loss, variables, tfoptim.LBFGS(history=HISTORY), stop, callbacks=after)


def _step(optimizer: Any, loss: Any, variables: Any) -> Any:
    import tensorflow as tf

    optimizer.build(variables)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss()
        optimizer.apply(tape.gradient(value, [v.value for v in variables]), variables)

    return step


SHAPE = ((WIDTH, "tanh"), (WIDTH, "tanh"), (1, None))


def forward(layers: Sequence[Any], points: Any) -> tuple[Any, Any]:
    """Returns the network's value and Laplacian at points (n, 2), by the chain rule of second order."""
    import tensorflow as tf

    value, first, second = tf.constant(points), tf.eye(2, dtype="float64")[:, None, :], tf.zeros([2, 1, 2], "float64")
    for layer, (_, activation) in zip(layers, SHAPE, strict=True):
        kernel, bias = layer.kernel.value, layer.bias.value
        value, first, second = value @ kernel + bias, first @ kernel, second @ kernel
        if activation:
            value = tf.tanh(value)
            slope = 1 - value**2
            second = slope * second - 2 * value * slope * first**2
            first = slope * first
    return value, tf.reduce_sum(second, 0)


def _residual(layers: Sequence[Any], points: Any) -> Any:
    return forward(layers, points)[1] + 2 * math.pi**2 * _solution(points)


def _solution(points: Any) -> Any:
    return np.prod(np.sin(math.pi * points), 1, keepdims=True)


def _grid(side: int) -> Any:
    along = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(along, along), -1).reshape(-1, 2)


def _edge(side: int) -> Any:
    along, ends = np.linspace(0, 1, side), np.repeat([0.0, 1.0], side)
    twice = np.tile(along, 2)
    return np.concatenate([np.stack([twice, ends], 1), np.stack([ends, twice], 1)])
