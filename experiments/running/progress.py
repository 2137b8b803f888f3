"""Progress: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from experiments.text import clock


class Meter:
    """Counts epochs, and prints a line for each finished run."""

    def __init__(self, title: str, runs: int, epochs: int) -> None:
        self.title, self.runs, self.epochs = title, runs, epochs
        self.finished = 0
        self.done = self._before = 0.0  # epochs, perhaps a part of one more
        self._reached: dict[str, float] = {}
        self._started = time.monotonic()
        self._console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs,"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("left"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=epochs)

    def __enter__(self) -> Self:
        self._bar.start()
        if not self._console.is_terminal:
            print(f"{self.title}: {self.runs} runs of {self.epochs} epochs in total", file=sys.stderr)
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def begin(self, run: str, epochs: float) -> None:
        """Counts the epochs of a resumed run, so that the estimate of the time left ignores them."""
        self._before += epochs - self._reached.get(run, 0)
        self.reach(run, epochs)

    def reach(self, run: str, epochs: float) -> None:
        """Sets the epochs of a run so far."""
        self._reached[run] = epochs
        self.done = sum(self._reached.values())
        self._bar.update(self._task, completed=self.done)

    def note(self, text: str) -> None:
        """Prints a line."""
        if self._console.is_terminal:
            self._bar.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def finish(self, text: str) -> None:
        """Counts a run as finished, and prints a line."""
        self.finished += 1
        left = 0 if self._console.is_terminal else self.seconds_left()
        self.note(f"[{self.finished}/{self.runs}] {text}" + (f"; about {clock(left)} left" if left else ""))

    def seconds_left(self) -> float:
        """Returns how long the other epochs will take, at the pace so far; 0 at the start and at the end."""
        trained = self.done - self._before
        if trained <= 0 or self.done >= self.epochs:
            return 0.0
        return (time.monotonic() - self._started) * (self.epochs - self.done) / trained
