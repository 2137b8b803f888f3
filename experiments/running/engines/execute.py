"""Executes one run: takes its lease, resumes from the last checkpoint, trains, publishes the record."""

import contextlib
import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments import environment
from experiments.problems import own
from experiments.records import attempts, run_folder
from experiments.records.attempts import Attempt
from experiments.records.files import StorageError
from experiments.records.leases import Lease, claim, holder
from experiments.running import timing_pass
from experiments.studies.runs import SPLITS_OF_KIND, TIMING, Run

CHECKPOINT_SECONDS = 30.0  # least time between checkpoints
SHARE = 20  # and at least so many times what the last one took: they cost a twentieth of the time at most
PROGRAMS = 8  # that a worker keeps, the last used; one of the ConvNet holds 10 MiB
MOST_SECONDS = 1800.0
MOST_GROWTH = 512 * 2**20  # bytes, over what the first run left
Say = Callable[..., None]


class Stopped(Exception):
    """The worker has to stop; the run can be resumed from its checkpoint."""


class Pace:
    """Decides at which evaluations a checkpoint is worth its time."""

    def __init__(self, seconds: float) -> None:
        """Takes the least seconds between checkpoints; 0 is one at every evaluation."""
        self._seconds = self._wait = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Returns whether the last checkpoint is long enough ago."""
        return time.monotonic() - self._last >= self._wait

    def keep(self, save: Callable[[], None]) -> None:
        """Makes a checkpoint; the longer it took, the later is the next."""
        started = time.monotonic()
        save()
        self._last = time.monotonic()
        self._wait = max(self._seconds, SHARE * (self._last - started)) if self._seconds else 0.0


class WorkerCache:
    """The data and the compiled programs of a worker, kept from one run to the next."""

    def __init__(self) -> None:
        self.busy = self.stopping = False
        self._data: dict[tuple[str, str], Any] = {}
        self._programs: dict[str, Any] = {}  # the last used is the last
        self._counted: dict[str, int] = {}  # traces of each
        self._runs = self._memory = 0
        self._started = time.monotonic()

    def program(self, run: Run) -> Any:
        """Returns the compiled program for a run: one that is kept, or a new one."""
        import tensorflow as tf

        from experiments.running.training.train import Program

        if run.deterministic:  # for good: all runs of a study say the same, and a worker serves one study
            tf.config.experimental.enable_op_determinism()
        own.enter(run)
        found = self._programs.pop(run.program, None)
        while len(self._programs) >= PROGRAMS:  # the oldest is let go before a new one is made
            oldest = next(iter(self._programs))
            del self._programs[oldest]
            self._counted.pop(oldest, None)
            gc.collect()
        self._programs[run.program] = found = found or Program(run, self._splits(run))
        return found

    def traces(self) -> int:
        """Returns the traces of the present program since the last call."""
        name, program = next(reversed(self._programs.items()))
        before, self._counted[name] = self._counted.get(name, 0), int(program.traces)
        return self._counted[name] - before

    def test(self, run: Run) -> Any:
        """Returns the test examples as they were loaded; None for a run that may not see them."""
        return self._data[run.data, run.kind][2]

    def train(self, run: Run) -> Any:
        """Returns the stored training examples, an array."""
        return self._splits(run)["train"][0].numpy()

    def digests(self, run: Run) -> dict[str, str]:
        """Returns the SHA-256 of each split that a run saw."""
        return dict(self._data[run.data, run.kind][1])

    @property
    def served(self) -> int:
        """Runs before the present one."""
        return self._runs

    def rest(self, run: Run) -> bool:
        """Counts a run as served, and returns whether the worker should end."""
        self._runs += 1
        memory = timing_pass.resident()
        self._memory = self._memory or memory
        grown, age = memory - self._memory, time.monotonic() - self._started
        return run.kind == TIMING or grown > MOST_GROWTH or age > MOST_SECONDS

    def _splits(self, run: Run) -> Any:
        from experiments.problems.datasets.load import load
        from experiments.running.training.train import tensors

        key = (run.data, run.kind)
        if key not in self._data:
            data = load(run.data, SPLITS_OF_KIND[run.kind])
            digests = {split: examples.sha256 for split, examples in data.items()}
            self._data[key] = (tensors(data), digests, data.get("test"))
        return self._data[key][0]


def execute_run(job: Mapping[str, Any], cache: WorkerCache, say: Say) -> None:
    """Trains the run of a job (`spec`, `folder`, `environment`, perhaps `checkpoint_seconds`) and records it.

    Says `busy` when another process has locked it; else `started`, `evaluated` at each step of its grid, `finished`.
    Raises Stopped if the worker has to stop.
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
            say("finished", status=record.status, rest=False, **_ending(record.evaluations[-1]))
            return
        # Seconds of two processes are not those of one: a timed run starts again.
        start, passed_over = (None, []) if run.kind == TIMING else attempts.resumable(folder, run.identity)
        for sentence in passed_over:
            print(sentence, file=sys.stderr)
            say("note", text=sentence)
        attempt = Attempt(folder, run, start)
        say("started", attempt=attempt.number, epoch=start.epoch if start else 0)
        try:
            _train(attempt, start, lease, job, cache, say)
        except BaseException as error:
            with contextlib.suppress(StorageError):
                attempt.give_up(_status(error), f"{type(error).__name__}: {error}")
            raise


def _train(
    attempt: Attempt,
    start: attempts.Checkpoint | None,
    lease: Lease,
    job: Mapping[str, Any],
    cache: WorkerCache,
    say: Say,
) -> None:
    run, pace = attempt.run, Pace(job.get("checkpoint_seconds", CHECKPOINT_SECONDS))
    began = time.time()
    program = cache.program(run)
    started = time.perf_counter()
    evaluation: Mapping[str, Any] = start.evaluations[-1] if start else {}
    for evaluation in program.run(run, start):
        attempt.append(evaluation)
        say("evaluated", epoch=evaluation["epoch"])
        if evaluation["epoch"] == run.epochs or evaluation["diverged"]:
            break
        if pace.due() or cache.stopping:
            lease.check()
            pace.keep(lambda: attempt.checkpoint(program.state()))
        if cache.stopping:
            raise Stopped(f"stopped after {evaluation['epoch']:.3g} of {run.epochs} epochs")
    status = "diverged" if evaluation["diverged"] else "done"
    if status == "done":
        _measure(attempt, program, cache)
    lease.check()
    summary = _summary(program, run, cache, time.perf_counter() - started)
    if run.kind == TIMING:
        summary |= timing_pass.measured(program, cache.served, began)
    attempt.finish(status, job["environment"], summary)
    say("finished", status=status, rest=cache.rest(run), **_ending(evaluation))


def _measure(attempt: Attempt, program: Any, cache: WorkerCache) -> None:
    """Attaches what is measured once, after the last step, on test examples, where the run may see them."""
    test = cache.test(attempt.run)
    if test is not None and program.task.by_frequency:
        _count_words(attempt, program, cache, test)
    if program.predict is None or test is None:
        return
    from experiments.running.training import evaluate

    with program.averaged():
        found = evaluate.measured(program.predict, program.task, test)
    for name, content in evaluate.files(*found).items():
        attempt.attach(name, content)


def _count_words(attempt: Attempt, program: Any, cache: WorkerCache, test: Any) -> None:
    """Attaches what was learned of rare and of frequent words."""
    from experiments.running.training import frequencies

    start, train = frequencies.embedding(program.fresh(attempt.run)), cache.train(attempt.run)
    with program.averaged():
        end = frequencies.embedding(program.model)
        attempt.attach("words.csv", frequencies.measured(start, end, train, test, program.scores))


def _summary(program: Any, run: Run, cache: WorkerCache, seconds: float) -> dict[str, Any]:
    from experiments.problems.datasets import content_id

    return {
        "data_sha256": cache.digests(run),
        "data_id": content_id(cache.digests(run)),
        **program.start,
        "optimizer_config": json.loads(json.dumps(program.optimizer.get_config(), default=str)),
        "state_sha256": program.digest(),
        "seconds_compiling": program.seconds_compiling,
        "seconds_in_all": seconds,
        "device": timing_pass.device(),
        "traces": cache.traces(),
    }


def _ending(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of a `finished` event; never test scores."""
    scores = {key: value for key, value in evaluation.items() if key.startswith("validation_")}
    return {"seconds": evaluation["seconds"], "epoch": evaluation["epoch"], **scores}


def _status(error: BaseException) -> str:
    if isinstance(error, Stopped):
        return "interrupted"
    return "oom" if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError" else "failed"
