"""The trainings, each run once: on one device and on two replicas in this process, on two workers in their own."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.library.distributed.training import train

ROOT = pathlib.Path(__file__).parents[3]
SECONDS_FOR_WORKERS = 120  # 10 s on two idle cores; workers that wait for each other in vain end here


@pytest.fixture(scope="session")
def replicated(two_replicas):
    """A function of a variant: what becomes of it on one device and on two replicas."""
    known = {}

    def of(variant):
        if str(variant) not in known:
            strategies = {"single": tf.distribute.get_strategy(), "mirrored": two_replicas}
            known[str(variant)] = {name: train(strategy, variant) for name, strategy in strategies.items()}
        return known[str(variant)]

    return of


def start(program, *arguments):
    """A running program of this folder."""
    command = [sys.executable, "-m", f"tests.library.distributed.{program}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def results(*processes, seconds):
    """What each program printed as JSON; none of them outlives this call."""
    with contextlib.ExitStack() as stack:
        for process in processes:
            stack.callback(process.kill)
        printed = [process.communicate(timeout=seconds) for process in processes]
    for process, (_, errors) in zip(processes, printed, strict=True):
        assert process.returncode == 0, errors[-3000:]
    return [json.loads(output.splitlines()[-1]) for output, _ in printed]


def free_ports(number):
    """Ports of the loopback address at which no process listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [s.getsockname()[1] for s in sockets]


@pytest.fixture(scope="session")
def distributed():
    """The chosen variants as each of two workers has trained them."""
    ports = free_ports(2)
    return results(*(start("workers", index, *ports) for index in range(2)), seconds=SECONDS_FOR_WORKERS)
