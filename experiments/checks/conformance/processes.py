"""The processes beside this one: one with two logical CPUs, and two that work together over the loopback address."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.checks.conformance.rows import Place, Row, Verdict

ROOT = Path(__file__).parents[3]
SECONDS = 150
Found = dict[str, dict[str, Verdict]]
"""Row -> library -> verdict."""


class Children:
    """Processes started for the rows of one place; they run while others work.

    Args:
        place: where the rows have to run.
        rows: of that place.
    """

    def __init__(self, place: Place, rows: Sequence[Row]) -> None:
        self.rows = rows
        command = [sys.executable, "-m", "experiments.checks.conformance.child", place, *(row.id for row in rows)]
        self.processes = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
            for env in _environments(place)
        ]

    def found(self) -> Found:
        """Waits for the first process and returns its verdicts; a row without verdict has failed."""
        try:
            said = [process.communicate(timeout=SECONDS)[0] for process in self.processes]
        except subprocess.TimeoutExpired:
            return self._failed(f"no answer within {SECONDS} s")
        finally:
            self.stop()
        last = said[0].strip().rpartition("\n")[2]
        if not last.startswith("{"):
            return self._failed(f"process failed: {last[:70]}")
        verdicts = json.loads(last)
        return {id_: {name: Verdict(**verdict) for name, verdict in both.items()} for id_, both in verdicts.items()}

    def stop(self) -> None:
        """Ends what still runs."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _failed(self, why: str) -> Found:
        verdict = Verdict(False, why, crashed=True)
        return {row.id: {"Keras": verdict, "tfoptim": verdict} for row in self.rows}


def _environments(place: Place) -> list[dict[str, str]]:
    """Returns the environment of each process."""
    common = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_ENABLE_FORK_SUPPORT": "0"}
    if place != "workers":
        return [common]
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(2)]
    return [common | {"TF_CONFIG": json.dumps(task)} for task in tasks]


def _free_ports(count: int) -> list[int]:
    """Returns ports that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
