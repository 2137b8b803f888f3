"""Measures times of interleaved calls, extra memory of a call, and memory bandwidth."""

import ctypes
import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from experiments.machine import cores

Step = Callable[[], object]
PAUSE_SECONDS = 0.002  # idle threads of the library that ran before spin for about a millisecond


def timed(step: Step) -> float:
    """Returns the seconds of a call."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def interleave(
    steps: Mapping[str, Step],
    rounds: int,
    repetitions: int,
    seconds: Mapping[str, float],
    estimates: Mapping[str, float],
) -> dict[str, list[list[float]]]:
    """Times warmed-up steps in turn: each round calls every step once, in random order.

    A step that would exceed its `seconds` in a repetition, by the `estimates` of a call, is called in fewer rounds,
    evenly spread, but at least once. Returns the seconds of the calls of each step, one list per repetition.
    """
    calls = {name: allowed(rounds, seconds[name], estimates[name]) for name in steps}
    found: dict[str, list[list[float]]] = {name: [] for name in steps}
    generator = np.random.default_rng(0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(repetitions):
            for times in found.values():
                times.append([])
            for turn in range(rounds):
                playing = [name for name in steps if plays(turn, calls[name], rounds)]
                for name in generator.permutation(playing):
                    time.sleep(PAUSE_SECONDS)
                    found[name][-1].append(timed(steps[name]))
            gc.collect()
    finally:
        gc.enable()
    return found


def allowed(rounds: int, seconds: float, estimate: float) -> int:
    """Returns the number of calls that fit into some seconds, from 1 to the number of rounds."""
    return max(1, min(rounds, math.floor(seconds / max(estimate, 1e-9))))


def plays(turn: int, calls: int, rounds: int) -> bool:
    """Returns whether a step is called in a round, if its calls are spread evenly over all rounds.

    >>> [turn for turn in range(6) if plays(turn, 2, 6)]
    [2, 5]
    """
    return (turn + 1) * calls // rounds > turn * calls // rounds


Repetitions = Sequence[Sequence[float]]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns lower quartile, median and upper quartile, interpolated linearly.

    >>> quartiles([4.0, 1.0, 3.0, 2.0, 5.0])
    (2.0, 3.0, 4.0)
    """
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def ratio(times: Repetitions, reference: Repetitions) -> tuple[float, float, float]:
    """Returns median, lowest and highest ratio over repetitions, each the ratio of the median times of its calls.

    >>> ratio([[2.0, 9.0, 2.0], [3.0], [8.0]], [[1.0], [1.0], [2.0]])
    (3.0, 2.0, 4.0)
    """
    found = [statistics.median(a) / statistics.median(b) for a, b in zip(times, reference, strict=True)]
    return statistics.median(found), min(found), max(found)


STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
BYTES_OF_ARRAY = 256 * 2**20  # beyond what caches hold
RESET_PEAK = "5"


def bandwidth(size: int = BYTES_OF_ARRAY, repetitions: int = 7) -> float:
    """Returns the memory bandwidth in bytes per second: the best of several sums `a += b` on all cores.

    Like an optimizer, it reads two arrays and writes one of them in place: 3 * `size` bytes.
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
    """Returns the peak of extra bytes during calls of warmed-up work, or None if it is unknown.

    Freed memory goes back to the system first, because pages that the process keeps would hide new ones. Measured on
    Linux with glibc, by resident pages, to about 0.3 MB.
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
