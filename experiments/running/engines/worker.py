"""A worker process: its side, which serves one job a line of standard input, and its handle in the engine.

What libraries print goes to standard error, which the engine sends to a log file. SIGTERM asks the process to stop: at
the next evaluation it writes a checkpoint, releases its run and ends.
"""

import contextlib
import gc
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from experiments.errors import UserError
from experiments.records.files import storing
from experiments.running.engines import Job, Setting
from experiments.running.engines.execute import Say, Stopped, WorkerCache, execute_run

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
# Keras imports them where they are installed: a third of a worker's start.
UNUSED = ("sklearn", "matplotlib", "pandas")
Message = dict[str, Any]
Inbox = queue.SimpleQueue[tuple["Worker", Message | None]]


class Worker:
    """The handle of a process of this module, with the thread that reads its messages."""

    def __init__(self, log: Path, inbox: Inbox) -> None:
        """Starts the process; its messages arrive in the inbox, None when it has ended."""
        self.log = log
        self.job: Job | None = None  # the present one, None while idle
        self.attempt = 0  # number of the present attempt; 0 before it is known
        self.programs: set[str] = set()  # names of its compiled programs
        self.rest = False  # whether it should end
        self.ready = False  # whether it takes jobs
        with storing(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            errors = log.open("ab")
        with errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "experiments.running.engines.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                env={**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends its workers
            )
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def take(self, job: Job, setting: Setting) -> None:
        """Hands over a job."""
        self.job, self.attempt = job, 0
        self.programs.add(job.run.program)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is reported by the listener
            self.process.stdin.write(json.dumps(setting.message(job)) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        """Closes the input, so that the process ends."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

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


def serve(text: str, cache: WorkerCache, say: Say) -> None:
    """Executes one job and reports its end."""
    job: Mapping[str, Any] = json.loads(text)
    try:
        execute_run(job, cache, say)
    except Stopped:
        return
    except UserError as error:  # such as a full disk or missing data: trying again would not help
        say("failed", error=str(error), rest=True, final=True)
    except Exception as error:
        traceback.print_exc()
        say("failed", error=f"{type(error).__name__}: {error}", rest=True)


def _start() -> None:
    """Imports TensorFlow, once for all the worker's runs."""
    for package in UNUSED:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # as if it were not installed
    gc.disable()  # an import makes much and drops nothing: looking for garbage would take a fifth of its time
    import experiments.running.training.train  # noqa: F401

    for package in UNUSED:
        if sys.modules[package] is None:
            del sys.modules[package]  # code of users may import it
    gc.freeze()
    gc.enable()


def main() -> None:
    """Serves jobs until standard input ends, or SIGTERM."""
    channel = _claim_output()
    cache = WorkerCache()

    def say(event: str, **content: Any) -> None:
        channel.write(json.dumps({"event": event, **content}) + "\n")
        channel.flush()

    def stop(number: int, frame: object) -> None:
        if not cache.busy:
            os._exit(128 + number)
        cache.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine decides what an interruption means
    _start()
    say("ready")
    while text := sys.stdin.readline():
        cache.busy = True
        serve(text, cache, say)
        cache.busy = False
        if cache.stopping:
            sys.exit(128 + signal.SIGTERM)


def _claim_output() -> TextIO:
    """Returns the standard output for messages, and redirects other output to the log."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    main()
