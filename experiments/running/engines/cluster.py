"""Shared parts of the engines of clusters: batches of runs, executed by workers on their machines, watched from here.

A run is finished when its record says so, whatever a scheduler reports. The folders must be on a file system that all
machines share.
"""

import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.records import run_folder
from experiments.running.engines import Event, Job, Setting
from experiments.studies.runs import Run

POLL_SECONDS = 0.5
STOP_SECONDS = 8.0


class Handle(NamedTuple):
    """A batch in a scheduler."""

    ended: Callable[[], bool]  # whether it runs no more, however it ended
    cancel: Callable[[], object]  # ends it, so that its worker keeps a checkpoint


def batches(jobs: Sequence[Job], places: int) -> list[list[Job]]:
    """Returns jobs in batches of one program each, as many as there are places where that is possible."""
    most = -(-len(jobs) // places)
    found = []
    for _, group in itertools.groupby(sorted(jobs, key=lambda job: job.run.program), lambda job: job.run.program):
        same = list(group)
        found += [same[start : start + most] for start in range(0, len(same), most)]
    return found


def attend(messages: Sequence[Mapping[str, Any]], logs: str, checkpoint_seconds: float) -> None:
    """Executes a batch on this machine, by a worker process of its own."""
    from experiments.running.engines.local import Local

    if not messages:
        return
    jobs = [Job(Run(**message["spec"]), Path(message["folder"])) for message in messages]
    setting = Setting(1, Path(logs), messages[0]["environment"], checkpoint_seconds)
    Local(setting).submit(jobs, lambda event: None)


def parcel(batch: Sequence[Job], setting: Setting) -> tuple[list[dict[str, Any]], str, float]:
    """Returns a batch as `attend` takes it; its paths hold on every machine."""
    messages = [{**setting.message(job), "folder": str(job.folder.absolute())} for job in batch]
    return messages, str(setting.logs.absolute()), setting.checkpoint_seconds


def python_path() -> str:
    """Returns where other processes find what this one has imported."""
    return os.pathsep.join(dict.fromkeys(str(Path(path).absolute()) for path in sys.path if path))


def watch(sent: Sequence[tuple[Handle, Sequence[Job]]], observe: Callable[[Event], None]) -> None:
    """Reports the events of batches, from the folders of their runs, until all are settled."""
    open_batches = [(handle, [Watched(job) for job in jobs]) for handle, jobs in sent]
    try:
        while open_batches:
            for handle, watched in list(open_batches):
                ended = handle.ended()  # asked first: what it wrote last is seen then
                for one in watched:
                    one.look(observe)
                if ended:
                    for one in watched:
                        one.close(observe)
                    open_batches.remove((handle, watched))
            if open_batches:
                time.sleep(POLL_SECONDS)
    except BaseException:
        _stop([handle for handle, _ in open_batches])
        raise


def _stop(handles: Sequence[Handle]) -> None:
    """Ends batches, with time for their workers to write checkpoints; an interruption ends the waiting."""
    deadline = time.monotonic() + STOP_SECONDS
    with contextlib.suppress(KeyboardInterrupt):
        for handle in handles:
            with contextlib.suppress(Exception):
                handle.cancel()
        while time.monotonic() < deadline and not all(handle.ended() for handle in handles):
            time.sleep(POLL_SECONDS)


class Watched:
    """A run that another process executes."""

    def __init__(self, job: Job) -> None:
        """Remembers which attempts there were before."""
        self.job = job
        self._before = {path.name for path in job.folder.glob("metrics-*.jsonl")}
        self._attempt = ""
        self._epoch = -1.0
        self._settled = False

    def look(self, observe: Callable[[Event], None]) -> None:
        """Reports what is new."""
        if self._settled:
            return
        for name, epoch in self._new():
            if name != self._attempt:
                self._attempt = name
                observe(Event(self.job, "started", {"epoch": 0}))
            if epoch != self._epoch:
                self._epoch = epoch
                observe(Event(self.job, "evaluated", {"epoch": epoch}))
        record = run_folder.read(self.job.folder)
        if record is not None:
            self._settled = True
            last = record.evaluations[-1]
            scores = {key: value for key, value in last.items() if key.startswith("validation_")}
            content = {"status": record.status, "seconds": last["seconds"], "epoch": last["epoch"], **scores}
            observe(Event(self.job, "finished", content))

    def close(self, observe: Callable[[Event], None]) -> None:
        """Reports a run as failed whose batch has ended without it."""
        if not self._settled:
            observe(Event(self.job, "failed", {"error": self._reason()}))

    def _new(self) -> Iterator[tuple[str, float]]:
        for path in sorted(self.job.folder.glob("metrics-*.jsonl")):
            if path.name not in self._before:
                found = run_folder.evaluations(path)
                if found:
                    yield path.name, float(found[-1]["epoch"])

    def _reason(self) -> str:
        """Returns why the attempt gave no result, as far as it is known."""
        number = self._attempt.partition("-")[2].partition(".")[0]
        try:
            return str(json.loads((self.job.folder / f"ended-{number}.json").read_text(encoding="utf-8"))["error"])
        except (OSError, ValueError, KeyError):
            return "it was not finished when its batch ended"
