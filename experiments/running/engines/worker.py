"""A worker process: takes one job a line on standard input, says what happens a line on standard output.

What libraries print goes to standard error, which the engine sends to a log file. SIGTERM asks it to
stop: at the next evaluation it keeps a checkpoint, gives its run back and ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from experiments.errors import UserError
from experiments.running.engines.bench import Bench
from experiments.running.engines.carry import Stopped, carry_out

Say = Callable[..., None]


def serve(text: str, bench: Bench, say: Say) -> None:
    """Carries out one job and says what becomes of it, whatever that is."""
    job: Mapping[str, Any] = json.loads(text)
    try:
        carry_out(job, bench, say)
    except Stopped:
        return
    except UserError as error:  # such as a full disk or missing data: trying again would not help
        say("failed", error=str(error), rest="now", final=True)
    except Exception as error:
        traceback.print_exc()
        say("failed", error=f"{type(error).__name__}: {error}", rest="now")


def main() -> None:
    """Serves jobs until standard input ends, or it is asked to stop."""
    channel = _claim_output()
    bench = Bench()

    def say(event: str, **content: Any) -> None:
        channel.write(json.dumps({"event": event, **content}) + "\n")
        channel.flush()

    def stop(number: int, frame: object) -> None:
        if not bench.busy:
            os._exit(128 + number)
        bench.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine decides what an interruption means
    import experiments.running.training.train  # imports TensorFlow, once for all the worker's runs  # noqa: F401

    say("ready")
    while text := sys.stdin.readline():
        bench.busy = True
        serve(text, bench, say)
        bench.busy = False
        if bench.stopping:
            sys.exit(128 + signal.SIGTERM)


def _claim_output() -> TextIO:
    """Returns the standard output for messages, and sends what others print there to the log."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    main()
