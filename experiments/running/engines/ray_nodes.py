"""Runs on a cluster of Ray: a task for each batch, never tried again by Ray; results are read from the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.errors import UserError, unknown
from experiments.running.engines import Event, Job, Setting
from experiments.running.engines.cluster import attend, batches, parcel, python_path, watch

OPTIONS = ("address", "cpus")


class Ray:
    """The engine of a Ray cluster, or of one that it starts on this machine."""

    def __init__(self, setting: Setting, options: Mapping[str, str]) -> None:
        """Sets up without connecting.

        Args:
            setting: what every engine is told.
            options: `address` of the cluster (default: RAY_ADDRESS, else one on this machine), `cpus` of a batch.

        Raises:
            UserError: Ray is not installed, or an option is not known.
        """
        for name in options:
            if name not in OPTIONS:
                raise unknown("option of the Ray engine", name, OPTIONS)
        try:
            import ray
        except ImportError as error:
            raise UserError("The engine ray needs a package: pip install 'tfoptim[ray]'") from error
        self.setting, self._options, self._ray = setting, options, ray

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Carries out all jobs; a failed one does not stop the others."""
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
            places = self.setting.workers
            sent = [(Task(ray, task.remote(*parcel(batch, self.setting))), batch) for batch in batches(jobs, places)]
            watch(sent, observe)
        finally:
            if ours:
                ray.shutdown()


class Task:
    """A batch that Ray has."""

    def __init__(self, ray: Any, reference: Any) -> None:
        """Takes the package and the task's reference."""
        self._ray, self._reference = ray, reference

    def ended(self) -> bool:
        """Returns whether it runs no more, however it ended."""
        ready, _ = self._ray.wait([self._reference], timeout=0)
        return bool(ready)

    def cancel(self) -> None:
        """Interrupts it, so that its worker keeps a checkpoint."""
        self._ray.cancel(self._reference, force=False)
