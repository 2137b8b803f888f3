"""Engines: they take jobs, execute them somewhere and report events; results are read from the records."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.studies.runs import Run

NAMES = ("local", "slurm", "ray")
ENDS = ("finished", "failed", "busy")


@dataclasses.dataclass(frozen=True)
class Job:
    """A run and the folder its record goes to."""

    run: Run
    folder: Path
    first: bool = False  # whether it comes before all that are not: a preliminary table waits for it


@dataclasses.dataclass(frozen=True)
class Event:
    """A report on a job."""

    job: Job  # the job
    # `started`, `note` with a line for the user, `evaluated` at each step of its grid; at the end `finished`, `failed`,
    # or `busy` when the run is locked and not waited for
    kind: str
    # of `started` the epoch it resumes from, of `evaluated` the epoch, the status of a finished run, the error of a
    # failed one and whether it is `final`, scores (never test's)
    content: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Setting:
    """Settings of every engine."""

    workers: int  # runs at once, as far as there are places
    logs: Path  # folder of the workers' output
    environment: Mapping[str, Any]  # recorded with every run
    checkpoint_seconds: float = 30.0  # least time between checkpoints of a run; 0 is one after every evaluation
    wait: bool = True  # whether locked runs are waited for

    def message(self, job: Job) -> dict[str, Any]:
        """Returns a job as a worker takes it."""
        return {
            "spec": job.run.content,
            "folder": str(job.folder),
            "environment": dict(self.environment),
            "checkpoint_seconds": self.checkpoint_seconds,
        }


class Engine(Protocol):
    """The one shape of all engines."""

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Executes all jobs, and reports their events in this process."""


def make(name: str, setting: Setting, options: Mapping[str, str]) -> Engine:
    """Returns an engine by name, with options of its own, such as `slurm_partition`.

    Raises:
        UserError: a package is missing, or an option is not known.
    """
    if name == "slurm":
        from experiments.running.engines.schedulers import Slurm

        return Slurm(setting, options)
    if name == "ray":
        from experiments.running.engines.schedulers import Ray

        return Ray(setting, options)
    from experiments.errors import UserError
    from experiments.running.engines.local import Local

    if options:
        raise UserError(f"The local engine takes no options, got '{next(iter(options))}'.")
    return Local(setting)
