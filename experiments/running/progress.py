"""How far the work is: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from experiments.text import clock


class Meter:
    """Counts passes over the training set, and tells of finished runs."""

    def __init__(self, title: str, runs: int, passes: int) -> None:
        """Starts at zero.

        Args:
            title: what is going on.
            runs: number of runs to come.
            passes: number of passes over the training set in all of them.
        """
        self.title, self.runs, self.passes = title, runs, passes
        self.finished = 0
        self.done = self._before = 0.0  # passes, perhaps a part of one more
        self._reached: dict[str, float] = {}
        self._started = time.monotonic()
        self._console = Console(file=sys.stderr)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("passes,"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("left"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=passes)

    def __enter__(self) -> Self:
        """Shows the bar."""
        self._bar.start()
        if not self._console.is_terminal:
            print(f"{self.title}: {self.runs} runs of {self.passes} passes in all", file=sys.stderr)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def begin(self, run: str, passes: float) -> None:
        """Takes over the passes of a run that were trained before, so that they do not count as fast ones."""
        self._before += passes - self._reached.get(run, 0)
        self.reach(run, passes)

    def reach(self, run: str, passes: float) -> None:
        """Counts the passes of a run so far."""
        self._reached[run] = passes
        self.done = sum(self._reached.values())
        self._bar.update(self._task, completed=self.done)

    def note(self, text: str) -> None:
        """Says something that ends no run."""
        if self._console.is_terminal:
            self._bar.print(text, highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def tell(self, text: str) -> None:
        """Counts a run as finished and says so."""
        self.finished += 1
        left = "" if self._console.is_terminal else self._left()
        self.note(f"[{self.finished}/{self.runs}] {text}{left}")

    def _left(self) -> str:
        trained = self.done - self._before
        if trained <= 0 or self.done >= self.passes:
            return ""
        seconds = (time.monotonic() - self._started) * (self.passes - self.done) / trained
        return f"; about {clock(seconds)} left"
