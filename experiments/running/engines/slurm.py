"""Runs on a cluster of Slurm, through submitit: an array job with an element for each batch.

An element that nears its time limit is stopped by a signal: its worker keeps a checkpoint, the batch is
queued again, and what is recorded by then is passed over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from experiments.errors import UserError
from experiments.running.engines import Event, Job, Setting
from experiments.running.engines.cluster import attend, batches, parcel, python_path, watch


class Slurm:
    """The engine of a Slurm cluster."""

    def __init__(self, setting: Setting, options: Mapping[str, str]) -> None:
        """Sets up without submitting.

        Args:
            setting: what every engine is told; `workers` is how many elements run at once.
            options: what sbatch is told, as submitit calls it: `timeout_min`, `mem_gb`, `slurm_partition` and so on;
                and `cluster`, of which `local` starts plain processes.

        Raises:
            UserError: submitit is not installed, Slurm is not here, or an option is not known.
        """
        try:
            import submitit
        except ImportError as error:
            raise UserError("The engine slurm needs a package: pip install 'tfoptim[slurm]'") from error
        self.setting = setting
        parameters = {name: _number(value) for name, value in options.items() if name != "cluster"}
        cluster = options.get("cluster", "slurm")
        try:
            self._executor = submitit.AutoExecutor(folder=setting.logs / "submitit", cluster=cluster)
            limit = {} if cluster == "local" else {"slurm_array_parallelism": setting.workers}
            self._executor.update_parameters(**{"name": "tfoptim", "cpus_per_task": 1, **limit, **parameters})
        except (RuntimeError, NameError, TypeError, ValueError) as error:
            raise UserError(f"Slurm cannot be used so: {error}") from error

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Carries out all jobs; a failed one does not stop the others."""
        parcels = [(batch, parcel(batch, self.setting)) for batch in batches(jobs, self.setting.workers)]
        with _path_set(), self._executor.batch():
            elements = [self._executor.submit(Element(), *content) for _, content in parcels]
        watch([(Handle(element), batch) for element, (batch, _) in zip(elements, parcels, strict=True)], observe)


class Element:
    """What an element of the array does; submitit asks it for a checkpoint when its time is up."""

    def __call__(self, messages: Sequence[Mapping[str, Any]], logs: str, checkpoint_seconds: float) -> None:
        """Carries out a batch."""
        attend(messages, logs, checkpoint_seconds)

    def checkpoint(self, *arguments: Any) -> Any:
        """Returns the same batch, to be queued again; the worker keeps its state when the element then ends."""
        import submitit

        return submitit.helpers.DelayedSubmission(Element(), *arguments)


class Handle:
    """A batch that Slurm has."""

    def __init__(self, job: Any) -> None:
        """Takes submitit's job."""
        self._job = job

    def ended(self) -> bool:
        """Returns whether it runs no more, however it ended."""
        return bool(self._job.done())

    def cancel(self) -> None:
        """Ends it."""
        self._job.cancel(check=False)


@contextlib.contextmanager
def _path_set() -> Iterator[None]:
    """Lets what is submitted find the packages that this process found."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = python_path()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _number(value: str) -> str | int:
    return int(value) if value.isdecimal() else value
