"""Runs on this machine: worker processes, started fresh and never forked, each at several runs in turn."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.engines import Event, Job

GRACE_SECONDS = 2.0
# One thread a worker, so that results do not depend on how many workers there are.
ENVIRONMENT = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONUNBUFFERED": "1",
    "TURN_OFF_REMAPPER": "1",  # without it tensorflow-metal drops the ReLU of a dense layer in graph mode
}
Message = dict[str, Any]
Inbox = queue.SimpleQueue[tuple["Worker", Message | None]]


class WorkerError(Exception):
    """A worker process could not start."""


class Worker:
    """A process of `experiments.engines.worker`, and the thread that listens to it."""

    def __init__(self, log: Path, inbox: Inbox) -> None:
        """Starts the process; its messages arrive in the inbox, None when it has ended."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.job: Job | None = None
        self.program = ""
        self.ready = False
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "experiments.engines.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends its workers
            )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def take(self, job: Job, environment: Mapping[str, Any]) -> None:
        """Hands over a job."""
        self.job, self.program = job, job.run.program
        message = {"spec": job.run.content, "folder": str(job.folder), "environment": dict(environment)}
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is reported by the listener
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def last_words(self) -> str:
        """Returns the last line of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((text.strip() for text in reversed(lines) if text.strip()), "nothing")

    def _listen(self, inbox: Inbox) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            inbox.put((self, json.loads(text)))
        self.process.wait()
        inbox.put((self, None))


class Local:
    """The engine of this machine."""

    def __init__(self, workers: int, logs: Path, environment: Mapping[str, Any]) -> None:
        """Sets up without starting anything.

        Args:
            workers: processes at once.
            logs: folder for what the workers print.
            environment: recorded with every run.
        """
        self.workers = workers
        self.logs = logs
        self.environment = environment
        self._inbox: Inbox = queue.SimpleQueue()
        self._started = 0

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Carries out all jobs; a failed one does not stop the others.

        Raises:
            WorkerError: a worker ended before it was ready.
        """
        pending = list(jobs)
        team = [self._start() for _ in range(min(self.workers, len(pending)))]
        try:
            while pending or any(worker.job for worker in team):
                worker, message = self._inbox.get()
                if message is None:
                    team.remove(worker)
                    self._ended(worker, observe)
                    if len(pending) > len(team):
                        team.append(self._start())
                    continue
                self._heard(worker, message, observe)
                if worker.job is None and pending:
                    worker.take(_choose(pending, worker, team), self.environment)
        finally:
            _end([worker.process for worker in team])

    def _start(self) -> Worker:
        self._started += 1
        return Worker(self.logs / f"worker-{os.getpid()}-{self._started}.log", self._inbox)

    def _heard(self, worker: Worker, message: Message, observe: Callable[[Event], None]) -> None:
        kind = message.pop("event")
        if kind == "ready":
            worker.ready = True
        elif worker.job is not None:
            job = worker.job
            if kind != "evaluated":
                worker.job = None
            observe(Event(job, kind, message))

    def _ended(self, worker: Worker, observe: Callable[[Event], None]) -> None:
        code = worker.process.returncode
        if not worker.ready:
            raise WorkerError(f"A worker did not start (exit code {code}): {worker.last_words()}")
        if worker.job is not None:
            observe(Event(worker.job, "failed", {"error": f"its worker ended with code {code}"}))


def _choose(pending: list[Job], worker: Worker, team: Sequence[Worker]) -> Job:
    """Takes the next job: of the program the worker has compiled, else of one that nobody has."""
    compiled = {other.program for other in team}
    same = (job for job in pending if job.run.program == worker.program)
    new = (job for job in pending if job.run.program not in compiled)
    job = next(same, None) or next(new, None) or pending[-1]
    pending.remove(job)
    return job


def _end(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
