"""What a worker keeps from one run to the next: the data and the last compiled program; and when it has served."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from experiments.problems import tasks
from experiments.studies.runs import SPLITS_OF_KIND, TIMING, Run

# Runs after which a worker starts no further program, by the model's parameters: memory grows with each program.
RUNS = ((10_000, 200), (1_500_000, 10))
RUNS_OF_LARGE = 1
MOST_SECONDS = 1800.0
MOST_GROWTH = 512 * 2**20  # bytes, over what the first run left


class Bench:
    """The data and the last compiled program of a worker."""

    def __init__(self) -> None:
        """Starts empty."""
        self.busy = self.stopping = False
        self._data: dict[tuple[str, str], Any] = {}
        self._program: tuple[str, Any] = ("", None)
        self._counted = self._runs = self._memory = 0
        self._started = time.monotonic()

    def program(self, run: Run) -> Any:
        """Returns the compiled program for a run, made when the last run's does not serve."""
        import tensorflow as tf

        from experiments.running.training.train import Program

        if run.deterministic:  # for good: all runs of a study say the same, and a worker serves one study
            tf.config.experimental.enable_op_determinism()
        if self._program[0] != run.program:
            self._program = ("", None)  # the old one is let go before the new one is made
            self._counted = 0
            _clear()
            self._program = (run.program, Program(run, self._splits(run)))
        return self._program[1]

    def traces(self) -> int:
        """Returns how often the present program was traced since this was asked last."""
        new = self._program[1].traces - self._counted
        self._counted += new
        return int(new)

    def test(self, run: Run) -> Any:
        """Returns the test examples as they were loaded; None for a run that may not see them."""
        return self._data[run.data, run.kind][2]

    def digests(self, run: Run) -> dict[str, str]:
        """Returns the SHA-256 of each split that a run saw."""
        return dict(self._data[run.data, run.kind][1])

    @property
    def served(self) -> int:
        """Runs that were carried out before the present one."""
        return self._runs

    def rest(self, run: Run) -> str:
        """Counts a run as served, and returns when the worker should end: `now`, before another `program`, or never.

        A run that is timed has a process of its own.
        """
        self._runs += 1
        memory = resident()
        self._memory = self._memory or memory
        if run.kind == TIMING or memory - self._memory > MOST_GROWTH or time.monotonic() - self._started > MOST_SECONDS:
            return "now"
        return "program" if self._runs >= most_runs(tasks.get(run.task).parameters) else ""

    def _splits(self, run: Run) -> Any:
        from experiments.problems.datasets.load import load
        from experiments.running.training.train import tensors

        key = (run.data, run.kind)
        if key not in self._data:
            data = load(run.data, SPLITS_OF_KIND[run.kind])
            digests = {split: examples.sha256 for split, examples in data.items()}
            self._data[key] = (tensors(data), digests, data.get("test"))
        return self._data[key][0]


def most_runs(parameters: int) -> int:
    """Returns after how many runs of a model of some size a worker starts no further program."""
    return next((count for bound, count in RUNS if parameters < bound), RUNS_OF_LARGE)


def resident() -> int:
    """Returns the bytes of memory that this process holds at present; 0 where that cannot be told."""
    path = Path("/proc/self/statm")
    if path.exists():
        return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    said = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False).stdout.strip()
    return int(said or 0) * 1024


def _clear() -> None:
    """Forgets what Keras keeps of programs that are gone."""
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.backend.clear_session()
    gc.collect()
