"""The engines of clusters: Slurm, through submitit, and Ray. Results are read from the records.

An element of a Slurm array that nears its time limit is stopped by a signal: its worker writes a checkpoint, the batch
is queued again, and finished runs are skipped. Ray never repeats a task by itself.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from experiments.errors import UserError, unknown
from experiments.running.engines import Event, Job, Setting
from experiments.running.engines.cluster import Handle, attend, batches, parcel, python_path, watch

RAY_OPTIONS = ("address", "cpus")


class Slurm:
    """The engine of a Slurm cluster."""

    def __init__(self, setting: Setting, options: Mapping[str, str]) -> None:
        """Sets up without submitting; `workers` is how many elements run at once.

        Options are sbatch's, by submitit's names: `timeout_min`, `mem_gb`, `slurm_partition` and so on; and `cluster`,
        of which `local` starts plain processes.
        """
        try:
            import submitit
        except ImportError as error:
            raise UserError("The engine slurm needs a package: pip install 'tfoptim[slurm]'") from error
        self.setting = setting
        numbers = {name: int(value) for name, value in options.items() if value.isdecimal()}
        parameters = {name: value for name, value in {**options, **numbers}.items() if name != "cluster"}
        cluster = options.get("cluster", "slurm")
        try:
            self._executor = submitit.AutoExecutor(folder=setting.logs / "submitit", cluster=cluster)
            limit = {} if cluster == "local" else {"slurm_array_parallelism": setting.workers}
            self._executor.update_parameters(**{"name": "tfoptim", "cpus_per_task": 1, **limit, **parameters})
        except (RuntimeError, NameError, TypeError, ValueError) as error:
            raise UserError(f"Slurm cannot be used so: {error}") from error

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Executes all jobs; a failed one does not stop the others."""
        parcels = [(batch, parcel(batch, self.setting)) for batch in batches(jobs, self.setting.workers)]
        with _path_set(), self._executor.batch():
            elements = [self._executor.submit(Element(), *content) for _, content in parcels]
        handles = [Handle(element.done, functools.partial(element.cancel, check=False)) for element in elements]
        watch([(handle, batch) for handle, (batch, _) in zip(handles, parcels, strict=True)], observe)


class Element:
    """An element of the array; submitit asks it for a checkpoint when its time is up."""

    def __call__(self, messages: Sequence[Mapping[str, Any]], logs: str, checkpoint_seconds: float) -> None:
        """Executes a batch."""
        attend(messages, logs, checkpoint_seconds)

    def checkpoint(self, *arguments: Any) -> Any:
        """Returns the same batch, to be queued again; the worker keeps its state when the element then ends."""
        import submitit

        return submitit.helpers.DelayedSubmission(Element(), *arguments)


@contextlib.contextmanager
def _path_set() -> Iterator[None]:
    """Lets submitted jobs find the packages of this process."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = python_path()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


class Ray:
    """The engine of a Ray cluster, or of one that it starts on this machine."""

    def __init__(self, setting: Setting, options: Mapping[str, str]) -> None:
        """Sets up without connecting.

        Options: `address` of the cluster (default: RAY_ADDRESS, else one on this machine), `cpus` of a batch.
        """
        for name in options:
            if name not in RAY_OPTIONS:
                raise unknown("option of the Ray engine", name, RAY_OPTIONS)
        try:
            import ray
        except ImportError as error:
            raise UserError("The engine ray needs a package: pip install 'tfoptim[ray]'") from error
        self.setting, self._options, self._ray = setting, options, ray

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Executes all jobs; a failed one does not stop the others."""
        ray = self._ray
        ours = not ray.is_initialized()
        if ours:
            ray.init(
                address=self._options.get("address"),
                include_dashboard=False if "address" not in self._options else None,
                log_to_driver=False,
                runtime_env={"env_vars": {"PYTHONPATH": python_path()}},
            )
        try:
            task = ray.remote(
                num_cpus=float(self._options.get("cpus", 1)), max_retries=0, scheduling_strategy="SPREAD"
            )(attend)
            found = batches(jobs, self.setting.workers)
            sent = [(task.remote(*parcel(batch, self.setting)), batch) for batch in found]
            watch([(self._handle(reference), batch) for reference, batch in sent], observe)
        finally:
            if ours:
                ray.shutdown()

    def _handle(self, reference: Any) -> Handle:
        ray = self._ray
        return Handle(lambda: bool(ray.wait([reference], timeout=0)[0]), lambda: ray.cancel(reference, force=False))
