"""What the machine's memory gives: its speed, and the most that a call takes of it."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from experiments.checks.benchmark.clock import timed

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
BYTES_OF_ARRAY = 256 * 2**20  # beyond what caches hold
RESET_PEAK = "5"


def cores() -> int:
    """Returns the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def bandwidth(size: int = BYTES_OF_ARRAY, repetitions: int = 7) -> float:
    """Returns the memory's speed in bytes a second: the best of several sums `a += b` by all cores.

    That is what an optimizer does: it reads two arrays and writes one of them in place, so that no line is fetched
    only to be overwritten. Two readings and one writing of `size` bytes are counted.
    """
    a, b = (np.full(size // 4, value, np.float32) for value in (1.0, 1e-3))
    count = cores()
    parts = list(zip(np.array_split(a, count), np.array_split(b, count), strict=True))
    with ThreadPoolExecutor(count) as pool:

        def add() -> None:
            list(pool.map(lambda part: np.add(part[0], part[1], out=part[0]), parts))

        add()
        return 3 * a.nbytes / min(timed(add) for _ in range(repetitions))


def peak_extra(work: Callable[[], object], calls: int = 2) -> int | None:
    """Returns the most bytes of memory that a call holds beyond what is held before it, None if it cannot be known.

    What was freed before is given back to the system first, since memory that the process keeps for later would hide
    what the call takes. Linux with glibc counts resident pages and their peak; the counters err by up to about
    0.3 MB.

    Args:
        work: what is called; warmed up.
        calls: how many calls; the largest counts.
    """
    trim = _trim()
    if trim is None:
        return None
    most = 0
    for _ in range(calls):
        gc.collect()
        trim(0)
        try:
            CLEAR.write_text(RESET_PEAK, encoding="ascii")
            before = _peak()
            work()
            most = max(most, _peak() - before)
        except (OSError, KeyError):  # not Linux, or a container that forbids it
            return None
    return most


def _peak() -> int:
    """Returns the highest number of resident bytes since the last reset."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="ascii").splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def _trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
