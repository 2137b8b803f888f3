"""A worker process as the engine sees it: what it is at, what it has compiled, and what it says."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from experiments.records.files import storing
from experiments.running.engines import Job, Setting

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


class Worker:
    """A process of `experiments.running.engines.worker`, and the thread that listens to it.

    Attributes:
        job: the job it is at, None while it has none.
        attempt: number of the attempt it is at; 0 before it is known.
        program: name of what it has compiled.
        ready: whether it takes jobs.
        rest: when it should end: `now`, before another `program`, or not yet.
    """

    def __init__(self, log: Path, inbox: Inbox) -> None:
        """Starts the process; its messages arrive in the inbox, None when it has ended."""
        self.log = log
        self.job: Job | None = None
        self.attempt = 0
        self.program = self.rest = ""
        self.ready = False
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
        self.job, self.attempt, self.program = job, 0, job.run.program
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is reported by the listener
            self.process.stdin.write(json.dumps(setting.message(job)) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        """Lets the process end, since there will be no more jobs for it."""
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
