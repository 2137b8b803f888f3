"""Rows of how optimizers move on functions of two numbers: an illustration, and no evidence for anything (rule B20).

All begin at the published start and take as many steps; each has the rate, out of four decades around its documented
default, that brings it lowest at the last step. Nothing is clipped, and no optimizer is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments import optimizers
from experiments.problems.functions.surfaces import FUNCTIONS, Function
from experiments.studies import Entry

SHOWN = ("rosenbrock", "branin")
STEPS = 200
DECADES, EACH, WIDENINGS = 4, 4, 2  # of rates around the default, rates in each, and how often one more is added
CYCLE = 50  # steps, of an optimizer whose rate cycles


def path_rows(entries: Sequence[Entry], names: Sequence[str] = SHOWN, steps: int = STEPS) -> list[dict[str, Any]]:
    """Returns a row for each function, optimizer and step."""
    return [
        {
            "function": name,
            "optimizer": entry.label,
            "learning_rate": rate,
            "step": step,
            "x": float(x),
            "y": float(y),
            "f": float(FUNCTIONS[name].value(np.array([x, y]))),
        }
        for name in names
        for entry in entries
        for rate, path in [_best(FUNCTIONS[name], entry, steps)]
        for step, (x, y) in enumerate(path)
    ]


def _best(function: Function, entry: Entry, steps: int) -> tuple[float, Any]:
    """Returns the rate that ends lowest, and its path, (steps + 1, 2); a range whose end is best is widened (B7)."""
    low, high = -DECADES / 2, DECADES / 2
    tried: dict[float, tuple[float, Any]] = {}
    for _ in range(WIDENINGS + 1):
        powers = np.arange(low, high + 0.5 / EACH, 1 / EACH)
        rates = [float(f"{entry.default_learning_rate * 10**power:.4g}") for power in powers]
        tried |= {rate: _descend(function, entry, rate, steps) for rate in rates if rate not in tried}
        best = min(rates, key=lambda rate: tried[rate][0])
        if best not in (rates[0], rates[-1]):
            break
        low, high = (low - 1, high) if best == rates[0] else (low, high + 1)
    return best, tried[best][1]


def _descend(function: Function, entry: Entry, rate: float, steps: int) -> tuple[float, Any]:
    """Returns where a rate ends, infinity if nowhere, and its path."""
    start = np.array(function.start, np.float64)
    cycle = {} if entry.cycle_epochs is None else {"cycle": CYCLE}
    rule = optimizers.rule(entry.optimizer, learning_rate=rate, **entry.hyperparameters, **cycle)
    with np.errstate(all="ignore"):  # a rate too high leaves the numbers behind, and is then not the best
        path = optimizers.simulate(rule, start, function.gradient, steps)
        end = float(function.value(path[-1]))
    return end if math.isfinite(end) else math.inf, np.vstack([start, path])
