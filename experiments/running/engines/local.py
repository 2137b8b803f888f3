"""The engine of this machine: worker processes, started fresh and never forked, each for several runs in turn."""

import contextlib
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from experiments.records import attempts
from experiments.records.files import StorageError
from experiments.records.leases import STALE_SECONDS
from experiments.running.engines import ENDS, Event, Job, Setting
from experiments.running.engines.worker import Inbox, Message, Worker
from experiments.studies.runs import TIMING

GRACE_SECONDS = 2.0
STOP_SECONDS = 8.0  # to keep a checkpoint and end, once asked to
ASK_SECONDS = 2.0  # between two looks at a locked run


class WorkerError(Exception):
    """A worker process could not start."""


class Local:
    """The engine of this machine."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._inbox: Inbox = queue.SimpleQueue()
        self._started = 0
        self._team: list[Worker] = []
        self._resting: list[Worker] = []
        self._pending: list[Job] = []
        self._postponed: list[tuple[float, Job]] = []
        self._waited_for: list[Job] = []
        self._alone = False

    def submit(self, jobs: Sequence[Job], observe: Callable[[Event], None]) -> None:
        """Executes all jobs; a failed one does not stop the others, but a WorkerError does: a worker did not start.

        Timed jobs have the machine to themselves: one process at a time, whatever the number of workers. After an
        interruption workers write checkpoints and end; after a second one they end at once.
        """
        self._pending, self._postponed, self._team = list(jobs), [], []
        self._alone = any(job.run.kind == TIMING for job in jobs)
        try:
            while self._pending or self._postponed or any(worker.job for worker in self._team):
                self._fill()
                try:
                    worker, message = self._inbox.get(timeout=ASK_SECONDS if self._postponed else None)
                except queue.Empty:
                    continue
                if message is None:
                    self._ended(worker, observe)
                elif worker in self._team:
                    self._heard(worker, message, observe)
        except BaseException:  # an interruption, or a fault: what is under way is kept
            self._stop()
            raise
        finally:
            _end([worker.process for worker in (*self._team, *self._resting)])

    def _fill(self) -> None:
        """Assigns jobs to idle workers, starts missing ones, retires old ones."""
        now = time.monotonic()
        self._pending += [job for due, job in self._postponed if due <= now]
        self._postponed = [(due, job) for due, job in self._postponed if due > now]
        for worker in [worker for worker in self._team if worker.ready and worker.job is None]:
            if worker.rest:
                self._team.remove(worker)
                self._resting.append(worker)
                worker.dismiss()
            elif self._pending:
                worker.take(_choose(self._pending, worker, self._team), self.setting)
        busy = sum(worker.job is not None for worker in self._team)
        wanted = min(1 if self._alone else self.setting.workers, busy + len(self._pending))
        if self._alone and self._resting:  # until it has ended
            return
        while len(self._team) < wanted:
            self._started += 1
            log = self.setting.logs / f"worker-{os.getpid()}-{self._started}.log"
            self._team.append(Worker(log, self._inbox))

    def _heard(self, worker: Worker, message: Message, observe: Callable[[Event], None]) -> None:
        kind, job = message.pop("event"), worker.job
        if kind == "ready":
            worker.ready = True
        elif job is None:
            return
        elif kind == "busy" and self.setting.wait:
            worker.job = None
            self._postponed.append((time.monotonic() + ASK_SECONDS, job))
            if job not in self._waited_for:
                self._waited_for.append(job)
                observe(Event(job, "note", {"text": _waiting(job, message["owner"])}))
        else:
            if kind == "started":
                worker.attempt = message["attempt"]
            if kind in ENDS:
                worker.job, worker.rest = None, message.pop("rest", False)
            observe(Event(job, kind, message))

    def _ended(self, worker: Worker, observe: Callable[[Event], None]) -> None:
        if worker in self._resting:
            self._resting.remove(worker)
            return
        self._team.remove(worker)
        code = worker.process.returncode
        if not worker.ready:
            raise WorkerError(f"A worker did not start (exit code {code}): {worker.last_words()}")
        if worker.job is not None:
            error = f"its worker ended with code {code}" + (", perhaps for lack of memory" if code == -9 else "")
            if worker.attempt:
                try:
                    attempts.give_up(worker.job.folder, worker.attempt, "killed", error)
                except StorageError as fault:
                    error = str(fault)
            observe(Event(worker.job, "failed", {"error": error}))

    def _stop(self) -> None:
        """Lets busy workers write a checkpoint and end, within a time limit."""
        busy = [worker for worker in self._team if worker.job is not None]
        if busy and not isinstance(sys.exc_info()[1], WorkerError):
            with contextlib.suppress(OSError):  # standard error may be closed
                print("Keeping checkpoints; interrupt again to stop at once.", file=sys.stderr)
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for worker in self._team:
                worker.process.terminate()
            for worker in busy:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            for worker in self._team:
                worker.process.kill()


def _waiting(job: Job, owner: str) -> str:
    return (
        f"{job.run.label}, seed {job.run.seed}: waiting: locked by {owner}; "
        f"a stale lock is taken over {STALE_SECONDS:.0f} s after its last heartbeat"
    )


def _choose(pending: list[Job], worker: Worker, team: Sequence[Worker]) -> Job:
    """Takes the next job, first ones first: of a program that the worker has compiled, else one that no worker has."""
    compiled = {program for other in team for program in other.programs}
    now = [job for job in pending if job.first] or pending
    same = (job for job in now if job.run.program in worker.programs)
    new = (job for job in now if job.run.program not in compiled)
    job = next(same, None) or next(new, None) or now[-1]
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
