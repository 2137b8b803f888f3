"""Puts a stand-in of milliseconds in the place of the training, in every process with this folder on its path.

So what carries runs out can be tested, kills and all, without TensorFlow's seconds. It has what a training has:
weights, slots, a generator whose state moves on, and noise that follows from seed and pass. The package tfoptim is
there without what its `__init__` imports, so that the store of checkpoints is the real one.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pathlib
import random
import signal
import sys
import time
import types


def fault():
    """Lets that happen which a file in the folder `faults` of the working directory asks for."""
    wanted = {path.name: path for path in pathlib.Path("faults").glob("*")}
    if "memory" in wanted:
        import numpy as np

        np.ones(2**50, np.uint8)
    if "kill" in wanted:
        wanted["kill"].unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def pretend(variables):
    """Lets the clock jump, or another version be installed, where the environment asks for it."""
    if "JUMPING_CLOCK" in variables:
        real, day = time.time, 86_400.0
        time.time = lambda: real() + random.choice((-day, 0.0, day))
    if "OTHER_TENSORFLOW" in variables:
        version = importlib.metadata.version
        importlib.metadata.version = lambda name: (
            variables["OTHER_TENSORFLOW"] if name == "tensorflow" else version(name)
        )


class Weights:
    """Fifty thousand weights, for those who count them."""

    def numpy(self):
        """Their values."""
        import numpy as np

        return np.zeros(50_000, np.float32)


class Program:
    """The training of a point with momentum and noise."""

    def __init__(self, run, data):
        """Is traced once."""
        from experiments.problems import tasks

        self.task, self.predict, self.start, self.traces, self.seconds_compiling = tasks.get(run.task), None, {}, 1, 0.0
        self.optimizer = types.SimpleNamespace(get_config=lambda: {"name": run.optimizer}, variables=())
        self.model = types.SimpleNamespace(trainable_variables=[Weights()])
        self._state = []

    def run(self, run, checkpoint=None):
        """Trains as the real one does: an evaluation before the first pass, and one after each."""
        import numpy as np

        key = np.array([run.seed, len(run.optimizer)], np.uint64)
        self._state = [np.random.default_rng(run.seed).normal(size=50_000).astype(np.float32), np.zeros(50_000), key]
        first = 0
        if checkpoint is not None:
            self._state, first = [np.array(array) for array in checkpoint.variables], int(checkpoint.epoch) + 1
        for epoch in range(first, run.epochs + 1):
            if epoch:
                weights, slot, key = self._state
                noise = np.random.default_rng([*key, epoch]).normal(size=weights.shape)
                slot = 0.9 * slot + weights + noise
                self._state = [
                    weights - np.float32(run.learning_rate) * slot.astype(np.float32),
                    slot,
                    key * np.uint64(3),
                ]
                time.sleep(0.003)
            if run.seed == 1 and epoch == 5:
                fault()
            loss = float(np.square(self._state[0]).mean())
            scores = {f"{split}_loss": loss for split in ("train", "validation", "test")}
            progress = {"step": epoch, "epoch": epoch, "example_gradients": 7 * epoch, "seconds": 0.003 * epoch}
            yield {**progress, "running_loss": None, "diverged": False, **scores}

    def state(self):
        """Weights, slot and generator."""
        return list(self._state)

    def digest(self):
        """Names the state."""
        return hashlib.sha256(b"".join(array.tobytes() for array in self._state)).hexdigest()


if __name__ == "sitecustomize":  # and not when it is collected among the tests
    pretend(os.environ)
    sys.modules["tfoptim"] = importlib.util.module_from_spec(importlib.util.find_spec("tfoptim"))
    sys.modules["experiments.running.training.train"] = types.SimpleNamespace(
        Program=Program, tensors=lambda data: data
    )
