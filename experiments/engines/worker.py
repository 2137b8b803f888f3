"""A worker process: takes one job a line on standard input, says what happens a line on standard output.

What libraries print goes to standard error, which the engine sends to a log file.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from experiments.records import Attempt
from experiments.runs import SPLITS_OF_KIND, Run


class Bench:
    """What the worker keeps from one run to the next: the data and the last compiled program."""

    def __init__(self) -> None:
        """Starts empty."""
        self._data: dict[tuple[str, str], Any] = {}
        self._program: tuple[str, Any] = ("", None)

    def program(self, run: Run) -> Any:
        """Returns the compiled program for a run, made when the last run's does not serve."""
        from experiments.train import Program

        if self._program[0] != run.program:
            self._program = ("", None)  # the old one is let go before the new one is made
            self._program = (run.program, Program(run, self._splits(run)))
        return self._program[1]

    def _splits(self, run: Run) -> Any:
        from experiments.datasets.load import load
        from experiments.train import tensors

        key = (run.data, run.kind)
        if key not in self._data:
            data = load(run.data, SPLITS_OF_KIND[run.kind])
            digests = {split: examples.sha256 for split, examples in data.items()}
            self._data[key] = (tensors(data), digests, data.get("test"))
        return self._data[key][0]

    def test(self, run: Run) -> Any:
        """Returns the test examples as they were loaded; None for a run that may not see them."""
        return self._data[run.data, run.kind][2]

    def digests(self, run: Run) -> dict[str, str]:
        """Returns the SHA-256 of each split that a run saw."""
        return dict(self._data[run.data, run.kind][1])


def carry_out(job: Mapping[str, Any], bench: Bench, say: Any) -> None:
    """Trains one run and records it, saying each evaluation."""
    from experiments.datasets import content_id

    run = Run(**job["spec"])
    program = bench.program(run)
    started = time.perf_counter()
    attempt = Attempt(Path(job["folder"]), run)
    evaluation: dict[str, Any] = {}
    for evaluation in program.run(run):
        attempt.append(evaluation)
        say("evaluated", epoch=evaluation["epoch"])
    status = "diverged" if evaluation["diverged"] else "done"
    if status == "done" and program.predict is not None and bench.test(run) is not None:
        from experiments.cases import predict

        found = predict.measured(program.predict, program.task, bench.test(run))
        for name, content in predict.files(*found).items():
            attempt.attach(name, content)
    summary = {
        "data_sha256": bench.digests(run),
        "data_id": content_id(bench.digests(run)),
        **program.start,
        "optimizer_config": json.loads(json.dumps(program.optimizer.get_config(), default=str)),
        "state_sha256": program.digest(),
        "seconds_compiling": program.seconds_compiling,
        "seconds_in_all": time.perf_counter() - started,
    }
    attempt.finish(status, job["environment"], summary)
    scores = {key: v for key, v in evaluation.items() if key.startswith("validation_")}
    seconds, epoch = evaluation["seconds"], evaluation["epoch"]
    say("finished", status=status, seconds=seconds, epoch=epoch, **scores)


def main() -> None:
    """Serves jobs until standard input ends."""
    channel = _claim_output()

    def say(event: str, **content: Any) -> None:
        channel.write(json.dumps({"event": event, **content}) + "\n")
        channel.flush()

    import experiments.train  # imports TensorFlow, once for all the worker's runs  # noqa: F401

    bench = Bench()
    say("ready")
    for text in sys.stdin:
        try:
            carry_out(json.loads(text), bench, say)
        except Exception as error:
            traceback.print_exc()
            say("failed", error=f"{type(error).__name__}: {error}")


def _claim_output() -> TextIO:
    """Returns the standard output for messages, and sends what others print there to the log."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    main()
