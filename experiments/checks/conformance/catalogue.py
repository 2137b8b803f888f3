"""All rows in order, and the processes for those that train on several replicas.

As a program, `python -m experiments.checks.conformance.catalogue PLACE ROW ...` runs rows on both libraries and prints
their verdicts as JSON. Two logical CPUs must exist before TensorFlow starts, and a worker must find its partner first.
"""

import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from experiments.checks.conformance import arguments, gradients, replicas, resuming, state
from experiments.checks.conformance.rows import ROWS, Place, Row, Verdict, libraries
from experiments.errors import unknown

MODULES = (arguments, gradients, replicas, resuming, state)
"""Importing a module declares its rows."""

NOT_HERE = {
    "D27": "is the same in both on purpose: all variables share one step counter",
    "D34": "is about the classes of others, whose constructors run when a file names them; ours touch nothing outside",
}
"""Faults without a row."""

ROOT = Path(__file__).parents[3]
SECONDS = 150
Found = dict[str, dict[str, Verdict]]
"""Row -> library -> verdict."""


def rows(wanted: Sequence[str] = ()) -> list[Row]:
    """Returns rows by id or by fault (D3 for D3a, D3b ...), or all, in the order of their numbers."""
    known = sorted(ROWS.values(), key=lambda row: (int(re.findall(r"\d+", row.id)[0]), row.id))
    names = {name.lower() for row in known for name in (row.id, row.fault)}
    for name in wanted:
        if name.lower() not in names:
            raise unknown("row", name, [row.id for row in known])
    chosen = {name.lower() for name in wanted}
    return [row for row in known if not chosen or {row.id.lower(), row.fault.lower()} & chosen]


def measured(some: Sequence[Row]) -> Found:
    """Returns the verdicts of both libraries on rows, measured in this process."""
    return {row.id: {library.name: row.run(library) for library in libraries()} for row in some}


class Children:
    """Processes for the rows of one place; they run in parallel to this one."""

    def __init__(self, place: Place, rows: Sequence[Row]) -> None:
        self.rows = rows
        command = [sys.executable, "-m", "experiments.checks.conformance.catalogue", place, *(row.id for row in rows)]
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
        """Waits for the first process and returns its verdicts; a row without a verdict has failed."""
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
        """Kills the processes that still run."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _failed(self, why: str) -> Found:
        verdict = Verdict(False, why, crashed=True)
        return {row.id: {"Keras": verdict, "tfoptim": verdict} for row in self.rows}


def _environments(place: Place) -> list[dict[str, str]]:
    common = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_ENABLE_FORK_SUPPORT": "0"}
    if place != "workers":
        return [common]
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(2)]
    return [common | {"TF_CONFIG": json.dumps(task)} for task in tasks]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main(place: str, *ids: str) -> None:
    """Runs rows on both libraries and prints `{row: {library: verdict}}`."""
    if place == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    replicas.strategy()
    found = measured(rows(ids))
    print(json.dumps(found, default=dataclasses.asdict), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
