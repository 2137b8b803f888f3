"""Checks that a dense layer keeps its ReLU in `fit` and `predict`, in a compiled graph.

As a program, `python -m experiments.checks.metal.relu DEVICE [option]` prints `dense_error` of its own process, because
the plugin reads its switch when it is loaded; `option` sets TensorFlow's option instead of the switch.
"""

import os
import subprocess
import sys
from typing import Any

import numpy as np

from experiments import machine

TOLERANCE = 1e-3  # products of 16 terms on a GPU may carry 1e-4; a lost ReLU gives an error of about 1
SECONDS = 120
EXAMPLES, INPUTS, UNITS = 64, 16, 8


def dense_error(device: str) -> float:
    """Returns the error of one step of `fit` on a dense layer with ReLU, and of `predict`, against NumPy.

    It is the largest difference of loss, weights and predictions, each relative to its largest number.
    """
    import keras
    import tensorflow as tf

    draw = np.random.default_rng(0).normal
    x, y, w = (draw(size=shape) for shape in ((EXAMPLES, INPUTS), (EXAMPLES, UNITS), (INPUTS, UNITS)))
    with tf.device(device):
        model = keras.Sequential([keras.Input((INPUTS,)), keras.layers.Dense(UNITS, activation="relu")])
        model.set_weights([w, np.zeros(UNITS)])
        # A loss that is linear in the output: its gradient is y where the ReLU is active.
        model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: tf.reduce_mean(y * p), jit_compile=False)
        predicted = model.predict(x, batch_size=EXAMPLES, verbose=0)
        loss = model.fit(x, y, batch_size=EXAMPLES, verbose=0).history["loss"][0]
        found = (loss, predicted, *model.get_weights())
    return max(_distance(a, b) for a, b in zip(found, _expected(x, y, w), strict=True))


def _expected(x: Any, y: Any, w: Any) -> tuple[Any, ...]:
    """Returns loss, predictions, and weights and bias after a step with rate 1, in float64."""
    z = x @ w
    p = np.maximum(z, 0.0)
    dz = np.where(z > 0, y, 0.0) / y.size
    return np.mean(y * p), p, w - x.T @ dz, -dz.sum(axis=0)


def _distance(found: Any, wanted: Any) -> float:
    return float(np.max(np.abs(np.asarray(found, "float64") - wanted)) / np.max(np.abs(wanted)))


def error_without_switch(device: str, *, option: bool) -> float | str:
    """Returns `dense_error` of a process with the plugin's switch off, or the reason why there is none.

    With `option`, the plugin's graph optimizers are turned off by TensorFlow's option instead.
    """
    command = [sys.executable, "-m", "experiments.checks.metal.relu", device, *(["option"] if option else [])]
    environment = {**os.environ, machine.SWITCH: "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = machine.run(*command, env=environment, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    if done.returncode:
        return f"process ended with code {done.returncode}: {machine.reason(done)[:80]}"
    return float(done.stdout.split()[-1])


def main(device: str, *words: str) -> None:
    """Prints the error of this process."""
    if "option" in words:
        machine.turn_off_plugin_optimizers()
    print(dense_error(device))


if __name__ == "__main__":
    main(*sys.argv[1:])
