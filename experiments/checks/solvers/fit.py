"""A curve fit with a certified solution: Misra1a of NIST's Statistical Reference Datasets, y = a (1 - exp(-b x))."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.checks.solvers.functions import Function
from experiments.checks.solvers.paths import solved
from experiments.text import Table

X = np.array([77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0])
Y = np.array([10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78])
START = (500.0, 1e-4)  # NIST's first, the farther one
CERTIFIED = (2.3894212918e2, 5.5015643181e-4)
SQUARES = 1.2455138894e-1  # sum of squares there, certified to eleven digits
CLOSE = 1e-9  # relative, of the sum of squares
MOST = 2_000  # evaluations
METHODS = ("GD", "L-BFGS", "BFGS", "Gauss-Newton", "Levenberg-Marquardt")


def rows(labels: Sequence[str] = METHODS) -> list[dict[str, Any]]:
    """Returns a row for each method and iteration: evaluations so far, parameters, and squares above the certified."""
    function = Function(lambda m, w: w[0] * (1 - m.exp(-w[1] * X)) - Y, START, SQUARES / 2)
    return [
        {
            "optimizer": label,
            "step": visit.work,
            "gap": max(2 * visit.loss / SQUARES - 1, 1e-11),
            "a": float(visit.x[0]),
            "b": float(visit.x[1]),
        }
        for label in labels
        for visit in solved(label, function, MOST, share=0.0)
        if visit.work <= MOST
    ]


def needed(table: Table, label: str) -> float:
    """Returns the evaluations of a method until it is close, infinity for a failure."""
    own = (row for row in table if row["optimizer"] == label)
    return next((float(row["step"]) for row in own if row["gap"] <= CLOSE), math.inf)
