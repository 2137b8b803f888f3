"""One run from its job to its record: claimed, gone on with from its last checkpoint, trained, published."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments import environment
from experiments.records import checkpoints, run_folder
from experiments.records.files import StorageError
from experiments.records.leases import Lease, claim, holder
from experiments.records.run_folder import Attempt
from experiments.running import footprint
from experiments.running.engines.bench import Bench
from experiments.studies.runs import TIMING, Run

CHECKPOINT_SECONDS = 30.0  # between checkpoints at least
SHARE = 20  # and at least so many times what the last one took: they cost a twentieth of the time at most
Say = Callable[..., None]


class Stopped(Exception):
    """The worker was asked to stop; the run can go on from its checkpoint."""


class Pace:
    """Tells at which evaluations a checkpoint is worth its time."""

    def __init__(self, seconds: float) -> None:
        """Takes the seconds between checkpoints at least; 0 is one at every evaluation."""
        self._seconds = self._wait = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Returns whether the last checkpoint is long enough ago."""
        return time.monotonic() - self._last >= self._wait

    def keep(self, save: Callable[[], None]) -> None:
        """Makes a checkpoint, and waits the longer for the next the longer it took."""
        started = time.monotonic()
        save()
        self._last = time.monotonic()
        self._wait = max(self._seconds, SHARE * (self._last - started)) if self._seconds else 0.0


def carry_out(job: Mapping[str, Any], bench: Bench, say: Say) -> None:
    """Trains one run and records it, saying how it goes.

    Args:
        job: `spec`, `folder`, `environment` and perhaps `checkpoint_seconds`.
        bench: what is kept from run to run.
        say: takes an event and its content: `busy` when another process has the run; else `started`,
            `evaluated` at each step of its grid, `finished`.

    Raises:
        Stopped: the bench was told to stop.
    """
    run, folder = Run(**job["spec"]), Path(job["folder"])
    lease = claim(folder)
    if lease is None:
        owner = holder(folder)
        say("busy", owner=f"process {owner.pid} on {owner.host}" if owner else "another process")
        return
    with lease:
        record = run_folder.read(folder)
        if record is not None and environment.current(record.environment):  # another process was first
            say("finished", status=record.status, rest="", **_ending(record.evaluations[-1]))
            return
        # Seconds of two processes are not those of one: what is timed begins anew.
        start, passed_over = (None, []) if run.kind == TIMING else checkpoints.load(folder, run.identity)
        for sentence in passed_over:
            print(sentence, file=sys.stderr)
            say("told", text=sentence)
        attempt = Attempt(folder, run, start)
        say("started", attempt=attempt.number, epoch=start.epoch if start else 0)
        try:
            _train(attempt, start, lease, job, bench, say)
        except BaseException as error:
            with contextlib.suppress(StorageError):
                attempt.give_up(_status(error), f"{type(error).__name__}: {error}")
            raise


def _train(
    attempt: Attempt, start: checkpoints.Checkpoint | None, lease: Lease, job: Mapping[str, Any], bench: Bench, say: Say
) -> None:
    run, pace = attempt.run, Pace(job.get("checkpoint_seconds", CHECKPOINT_SECONDS))
    began = time.time()
    program = bench.program(run)
    started = time.perf_counter()
    evaluation: Mapping[str, Any] = start.evaluations[-1] if start else {}
    for evaluation in program.run(run, start):
        attempt.append(evaluation)
        say("evaluated", epoch=evaluation["epoch"])
        if evaluation["epoch"] == run.epochs or evaluation["diverged"]:
            break
        if pace.due() or bench.stopping:
            lease.check()
            pace.keep(lambda: attempt.checkpoint(program.state()))
        if bench.stopping:
            raise Stopped(f"stopped after {evaluation['epoch']:.3g} of {run.epochs} passes")
    status = "diverged" if evaluation["diverged"] else "done"
    if status == "done":
        _measure(attempt, program, bench)
    lease.check()
    summary = _summary(program, run, bench, time.perf_counter() - started)
    if run.kind == TIMING:
        summary |= footprint.of(program, bench.served, began)
    attempt.finish(status, job["environment"], summary)
    say("finished", status=status, rest=bench.rest(run), **_ending(evaluation))


def _measure(attempt: Attempt, program: Any, bench: Bench) -> None:
    """Attaches what a segmentation predicts on test cases, where the run may see them."""
    test = bench.test(attempt.run)
    if program.predict is None or test is None:
        return
    from experiments.running.training import predict

    found = predict.measured(program.predict, program.task, test)
    for name, content in predict.files(*found).items():
        attempt.attach(name, content)


def _summary(program: Any, run: Run, bench: Bench, seconds: float) -> dict[str, Any]:
    from experiments.problems.datasets import content_id

    return {
        "data_sha256": bench.digests(run),
        "data_id": content_id(bench.digests(run)),
        **program.start,
        "optimizer_config": json.loads(json.dumps(program.optimizer.get_config(), default=str)),
        "state_sha256": program.digest(),
        "seconds_compiling": program.seconds_compiling,
        "seconds_in_all": seconds,
        "device": footprint.device(),
        "traces": bench.traces(),
    }


def _ending(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is told of a finished run; never test scores."""
    scores = {key: value for key, value in evaluation.items() if key.startswith("validation_")}
    return {"seconds": evaluation["seconds"], "epoch": evaluation["epoch"], **scores}


def _status(error: BaseException) -> str:
    if isinstance(error, Stopped):
        return "interrupted"
    return "oom" if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError" else "failed"
