"""The program that the tests in `resume/` interrupt: a model in which everything has a state; also run as a process."""

import contextlib
import hashlib
import json
import os
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

import tfoptim

BATCHES, EPOCHS = 4, 2


class Interrupted(Exception):
    """What stops a training in these tests."""


class StopAt(keras.callbacks.Callback):
    """Raises, or does something worse, once so many batches of all epochs are done; to be listed after Resume."""

    def __init__(self, resume, step, act):
        """Waits for this step."""
        super().__init__()
        self.resume, self.step, self.act = resume, step, act

    def on_train_batch_end(self, batch, logs=None):
        """Stops after a batch that was trained on."""
        if self.step is not None and self.resume.step >= self.step:
            self.act()


def stop_here():
    """Ends a training from within."""
    raise Interrupted


def batches(epoch):
    """The shuffled data of one epoch: 4 batches of 4."""
    x, y = np.random.default_rng(0).normal(size=(2, 4 * BATCHES, 3)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(4 * BATCHES, seed=epoch).batch(4)


def everything(**changes):
    """An optimizer with every kind of state: a schedule, slots, sums in mid-cycle, averages that overwrite."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 1, 0.8)
    arguments = {"gradient_accumulation_steps": 3, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2}
    return tfoptim.Adam(**{"learning_rate": schedule, **arguments, **changes})


def compiled(optimizer, seed=0, units=8, **arguments):
    """A model with Dropout and BatchNorm."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Dense(units),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(optimizer, "mse", **{"metrics": ["mae"], "jit_compile": False, **arguments})
    return model


def train(folder, stop=None, *, make=everything, seed=0, scope=contextlib.nullcontext, act=stop_here, **arguments):
    """Runs the program until the end or an interruption; returns the model and its Resume."""
    epochs, others = arguments.pop("epochs", EPOCHS), arguments.pop("callbacks", ())
    every_steps, data = arguments.pop("every_steps", 1), arguments.pop("data", batches)
    with scope():
        model = compiled(make(), seed, **arguments)
    resume = tfoptim.callbacks.Resume(folder, every_steps, others)
    callbacks = [*others, resume, StopAt(resume, stop, act)]
    given = {"epochs": epochs, "initial_epoch": resume.epoch, "callbacks": callbacks, "shuffle": False, "verbose": 0}
    with contextlib.suppress(Interrupted):
        model.fit(resume.data(data), **given)
    return model, resume


def state(model):
    """Path and bytes of every copy of every variable of a model and its optimizer."""
    copies = model.distribute_strategy.experimental_local_results
    variables = [*model.variables, *model.optimizer.variables]
    return [(v.path.rsplit("/", 1)[-1], [c.numpy().tobytes() for c in copies(v.value)]) for v in variables]


def digest(model):
    """The state as one short text, equal in different processes."""
    return hashlib.sha256(b"".join(part for _, parts in state(model) for part in parts)).hexdigest()


def killer(after):
    """Has this process killed, beyond any handler, at so many file flushes from now."""
    flush, left = os.fsync, [after]

    def deadly(descriptor):
        flush(descriptor)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = deadly


def main():
    """Prints the state at the end as JSON, unless killed on the way."""
    folder, *kill = sys.argv[1:]
    step, flushes = map(int, kill) if kill else (None, 0)
    model, _ = train(folder, step, act=lambda: killer(flushes), run_eagerly=True)
    print(json.dumps(digest(model)))


if __name__ == "__main__":
    main()
