"""Checks and times steps of each optimizer on a device.

The weights are compared with the rule in float64 NumPy, and operations without a kernel on the device are named.
"""

import contextlib
import dataclasses
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfoptim
from tfoptim.declaration import Flag
from tfoptim.registry import classes

STEPS = 5
TOLERANCE = 1e-4  # of the largest move: rounding gives about 1e-6, an epsilon on the wrong side of a root 1e-3 and more
SHAPES = ((64, 33), (3, 3, 4, 8), (33,), ())
TIMED_SHAPES = ((784, 1000), (1000,), (1000, 500), (500,), (500, 100), (100,), (100, 10), (10,))  # the MNIST perceptron
ROUNDS, CALLS = 7, 10
# A large epsilon, and a momentum for rules without a default.
TELLING = {"learning_rate": 0.5, "epsilon": 1e-3, "momentum": 0.9}
KERAS_NAMES: Mapping[str, tuple[str, dict[str, float]]] = {"gd": ("sgd", {}), "momentum": ("sgd", {"momentum": 0.9})}


@dataclasses.dataclass(frozen=True)
class Probe:
    """One optimizer with arguments that reveal the known faults of the plugin."""

    name: str
    options: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The name, with its active switches."""
        return " ".join([self.name, *(key for key, value in self.options.items() if value is True)])

    @property
    def plain(self) -> bool:
        """Whether no switch is active."""
        return self.title == self.name

    def make(self) -> Any:
        """Returns the optimizer."""
        return tfoptim.get(self.name, **self.options)


@dataclasses.dataclass(frozen=True)
class Steps:
    """Result of a probe."""

    probe: Probe  # the optimizer
    error: float  # distance from float64 NumPy after the steps, relative to the largest move; infinite if not finite
    off: str | None = None  # the first operation without a kernel on the device, or None
    failed: str | None = None  # message of TensorFlow if the steps cannot run at all

    @property
    def right(self) -> bool:
        """Whether the steps are correct and run on the device."""
        return self.error <= TOLERANCE and self.off is None and self.failed is None


def probes(names: Sequence[str]) -> list[Probe]:
    """Returns each optimizer without switches, and with each of its own switches (Nesterov, AMSGrad, centered).

    Those that need the loss are left out: steps are made of given gradients here.
    """
    found = []
    for name in (name for name in names if name not in left_out(names)):
        fields = classes()[name].fields
        options = {key: value for key, value in TELLING.items() if key in fields}
        switches = [
            key for key, f in fields.items() if isinstance(f.domain, Flag) and key not in tfoptim.Optimizer.fields
        ]
        found += [Probe(name, options), *(Probe(name, {**options, switch: True}) for switch in switches)]
    return found


def left_out(names: Sequence[str]) -> list[str]:
    """Returns the optimizers that need the loss."""
    return [name for name in names if classes()[name].needs_loss]


def check(probe: Probe, device: str) -> Steps:
    """Runs a few steps of a probe: with operations bound to the device; if that fails, without."""
    off = None
    try:
        with _bound():
            error = _error(probe, device)
    except tf.errors.OpError as problem:
        off = _operation(problem)
        try:
            error = _error(probe, device)
        except tf.errors.OpError as problem:
            return Steps(probe, np.inf, off, _first_line(problem))
    return Steps(probe, error, off)


def _error(probe: Probe, device: str) -> float:
    generator = np.random.default_rng(0)
    start = [generator.normal(size=shape) for shape in SHAPES]
    gradients = [
        [generator.normal(size=shape) * 10 ** generator.uniform(-2, 1, shape) for shape in SHAPES] for _ in range(STEPS)
    ]
    step, variables = compiled(probe.make(), start, device)
    for gradient in gradients:
        step(_tensors(gradient, device))
    whole, *each = [{str(i): w for i, w in enumerate(values)} for values in (start, *gradients)]
    wanted = [path[-1] for path in tfoptim.simulate(probe.make(), whole, each).values()]
    found = [variable.numpy() for variable in variables]
    error = _largest(found, wanted) / _largest(wanted, start)
    return error if np.isfinite(error) else np.inf


def _largest(some: Sequence[Any], others: Sequence[Any]) -> float:
    """Returns the largest difference, NaN if there is a NaN."""
    return float(np.max([np.max(np.abs(a - b)) for a, b in zip(some, others, strict=True)]))


def _tensors(values: Sequence[Any], device: str) -> list[Any]:
    with tf.device(device):
        return [tf.constant(value, tf.float32) for value in values]


def compiled(optimizer: Any, start: Sequence[Any], device: str) -> tuple[Callable[[Any], Any], list[Any]]:
    """Returns a compiled step of an optimizer, and its variables, all on a device."""
    with tf.device(device):
        variables = [keras.Variable(w, dtype="float32") for w in start]
        optimizer.build(variables)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(gradients: Any) -> None:
        with tf.device(device):
            optimizer.apply(gradients, variables)

    return step, variables


@contextlib.contextmanager
def _bound() -> Iterator[None]:
    """Makes TensorFlow raise where it would otherwise move an operation to another device."""
    before = tf.config.get_soft_device_placement()
    tf.config.set_soft_device_placement(False)
    try:
        yield
    finally:
        tf.config.set_soft_device_placement(before)


def _operation(problem: tf.errors.OpError) -> str:
    """Returns the operation in an error of placement."""
    match = re.search(r"(?:operation|node) [{`']*([\w/.]+)", problem.message)
    return match[1] if match else _first_line(problem)


def _first_line(problem: tf.errors.OpError) -> str:
    return str(problem.message).strip().split("\n")[0][:80]


def milliseconds(name: str, device: str, shapes: Sequence[tuple[int, ...]] = TIMED_SHAPES) -> list[float | None]:
    """Returns the median milliseconds of a compiled step with ours and with Keras's, in turn; None for one it lacks."""
    start = [np.ones(shape) for shape in shapes]
    made = [compiled(each, start, device) for each in (tfoptim.get(name), _of_keras(name)) if each is not None]
    gradients = _tensors([np.full(shape, 0.01) for shape in shapes], device)
    seconds: list[list[float]] = [[] for _ in made]
    for _ in range(1 + ROUNDS):  # the first one traces and is not counted
        for (step, variables), taken in zip(made, seconds, strict=True):
            before = time.perf_counter()
            for _ in range(CALLS):
                step(gradients)
            float(tf.reduce_sum(variables[-1]))  # waits for the GPU
            taken.append((time.perf_counter() - before) / CALLS)
    ours, *keras_s = [1e3 * statistics.median(taken[1:]) for taken in seconds]
    return [ours, keras_s[0] if keras_s else None]


def _of_keras(name: str) -> Any:
    """Returns Keras's optimizer of the same rule, or None."""
    keras_name, options = KERAS_NAMES.get(name, (name, {}))
    known = {each.lower(): each for each in dir(keras.optimizers)}
    return getattr(keras.optimizers, known[keras_name])(**options) if keras_name in known else None
