"""Steps per second of Keras's fit, with Keras's Adam and ours."""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfoptim
from experiments.checks.benchmark import output
from experiments.checks.benchmark.clock import quartiles
from experiments.checks.benchmark.plan import surroundings
from experiments.checks.benchmark.tables import Grid
from experiments.problems import seeds, tasks
from experiments.problems.datasets.load import load
from experiments.problems.unet import unet

SHAPE = (96, 112, 1)
CLASSES = 4


def examples(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, float32 [count, 96, 112, 1], and the class of each pixel, int32 [count, 96, 112]."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((count, *SHAPE), np.float32)
    return images, generator.integers(0, CLASSES, (count, *SHAPE[:2]), np.int32)


EPOCHS = 6
ADAMS: dict[str, Callable[[], Any]] = {"ours": tfoptim.Adam, "keras": keras.optimizers.Adam}


@dataclasses.dataclass(frozen=True)
class Job:
    """A model and its training examples."""

    title: str  # of the model
    build: Callable[[], Any]  # makes the model, whose outputs are logits
    images: np.ndarray  # float32 [n, ...], n a multiple of the batch
    labels: np.ndarray  # class numbers, [n] or one per pixel
    batch: int  # examples per step

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return len(self.labels) // self.batch


@dataclasses.dataclass(frozen=True)
class Speed:
    """Training speed of one model with one Adam."""

    model: str  # its title
    compiled: bool  # whether Keras compiles the whole step with XLA, which it does not on a CPU
    optimizer: str  # `ours` or `keras`
    epochs: int  # timed, without the first one
    steps_per_s: float  # steps per second, median of the epochs
    lower_steps_per_s: float  # lower quartile
    upper_steps_per_s: float  # upper quartile
    ratio: float  # median with ours over median with Keras's
    first_epoch_s: float  # seconds of the first epoch, tracing and compiling included


class Stopwatch(keras.callbacks.Callback):
    """Times each epoch, from its first batch to its last."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops."""
        self.seconds.append(time.perf_counter() - self._started)


def jobs() -> Iterator[Job]:
    """Yields the perceptron and the ConvNet on 4,000 real digits, and a U-Net on noise, in whole batches."""
    data = load("mnist_5k", ("train",))["train"]
    whole = len(data) // 128 * 128
    images, labels = data.images[:whole].astype(np.float32) / 255, data.labels[:whole]
    for name, title in (("mnist_mlp", "MLP"), ("mnist_orig", "ConvNet")):
        init, dropout = (seeds.derive(name, 0, purpose) for purpose in ("init", "dropout"))
        task = tasks.get(name)
        yield Job(title, lambda task=task, i=init, d=dropout: task.model(i, d), images, labels, 128)  # type: ignore[misc]
    yield segmentation()


def segmentation() -> Job:
    """Returns the U-Net on noise; Keras's global seed decides its weights."""
    return Job("U-Net", lambda: unet(SHAPE, CLASSES, dropout=0.0, bias=False), *examples(40), 8)


def measure(job: Job, epochs: int) -> list[Speed]:
    """Returns the training speed of a model with each Adam over some epochs after a first one; the two take turns."""
    models = {}
    for name, adam in ADAMS.items():
        keras.utils.set_random_seed(0)
        models[name] = job.build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        models[name].compile(optimizer=adam(), loss=loss)
    watches = {name: Stopwatch() for name in models}
    for epoch in range(1 + epochs):
        for name in list(models)[:: 1 if epoch % 2 else -1]:
            models[name].fit(
                job.images, job.labels, batch_size=job.batch, verbose=0, callbacks=[watches[name]], epochs=1
            )
    speeds = {name: [job.steps / seconds for seconds in watch.seconds[1:]] for name, watch in watches.items()}
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    found = []
    for name in models:
        lower, middle, upper = quartiles(speeds[name])
        first = watches[name].seconds[0]
        compiled = bool(models[name].jit_compile)
        ratio = medians["ours"] / medians["keras"]
        found.append(Speed(job.title, compiled, name, epochs, middle, lower, upper, ratio, first))
    return found


def run(epochs: int | None, folder: Path, typed: str) -> None:
    """Measures all models, compiled as by default in Keras, then writes and prints."""
    found = []
    for job in jobs():
        found += measure(job, epochs or EPOCHS)
        print(f"{job.title}: {found[-1].ratio:.2f} times as many steps a second with ours", file=sys.stderr, flush=True)
    output.publish("benchmark_fit", "Training as a whole", grid(found), found, surroundings(typed), folder)


def grid(found: list[Speed]) -> Grid:
    """Returns the table of training speeds."""
    headings = ("model", "step compiled by XLA", "with ours, steps/s", "with Keras's, steps/s", "ours over Keras's")
    pairs = zip(found[::2], found[1::2], strict=True)
    cells = tuple(
        (ours.model, "yes" if ours.compiled else "no", _speed(ours), _speed(theirs), f"{ours.ratio:.2f}")
        for ours, theirs in pairs
    )
    note = (
        "Steps per second of `fit` with Adam, in brackets lower and upper quartile over the epochs; the two took "
        "epochs in turn. MLP and ConvNet: batches of 128 real digits; U-Net: batches of 8 images of 96 x 112, of noise."
    )
    return Grid("Steps per second of `fit` with Adam", headings, cells, (note,))


def _speed(speed: Speed) -> str:
    return f"{speed.steps_per_s:.4g} ({speed.lower_steps_per_s:.4g} to {speed.upper_steps_per_s:.4g})"
