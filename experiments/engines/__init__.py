"""Where runs are carried out. An engine takes jobs and reports events; results are read from the records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.runs import Run


@dataclasses.dataclass(frozen=True)
class Job:
    """A run and the folder its record goes to."""

    run: Run
    folder: Path


@dataclasses.dataclass(frozen=True)
class Event:
    """What became of a job.

    Attributes:
        job: the job.
        kind: `evaluated` after each pass, `finished`, or `failed`.
        content: the status of a finished run, the error of a failed one, scores (never test's).
    """

    job: Job
    kind: str
    content: Mapping[str, Any]


class Engine(Protocol):
    """The one shape of all engines."""

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Carries out all jobs, and reports their events in this process."""
