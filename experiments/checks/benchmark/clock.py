"""Timing calls in turn, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Mapping

import numpy as np

Step = Callable[[], object]
PAUSE_SECONDS = 0.002  # idle threads of the library that ran before spin for about a millisecond


def timed(step: Step) -> float:
    """Returns the seconds that a call takes."""
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
    """Times steps in turn: in each round every step is called once, in an order drawn anew.

    A step that takes long is called in fewer rounds, evenly spread, at least in one a repetition.

    Args:
        steps: what is called, by name; warmed up.
        rounds: rounds in a repetition.
        repetitions: how often the rounds are repeated.
        seconds: for each step, the time that it may take in a repetition.
        estimates: for each step, the seconds that a call takes, roughly.

    Returns:
        For each step the seconds of its calls, one list a repetition.
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
    """Returns the number of calls that fit into a time, from 1 to the number of rounds."""
    return max(1, min(rounds, math.floor(seconds / max(estimate, 1e-9))))


def plays(turn: int, calls: int, rounds: int) -> bool:
    """Tells whether a step with so many calls is called in a round; the calls are evenly spread.

    >>> [turn for turn in range(6) if plays(turn, 2, 6)]
    [2, 5]
    """
    return (turn + 1) * calls // rounds > turn * calls // rounds
