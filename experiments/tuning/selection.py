"""Hyperparameters chosen on validation data: the rule, and the two files that hold choice and evidence.

Every optimizer is tried at the same number of scrambled Halton points in a space of the same width around its
documented default (`experiments.tuning.search`). When the best lies in the outer tenth of a range, that side is widened
by a decade and all points are run again, twice at most; after that the choice is marked `boundary`. The best point has
the highest median validation score (accuracy, Dice) over the tuning seeds after the last pass; ties go to the lower
median validation loss, then to the earlier point. Of several rounds, the one with the median score is taken, not the
luckiest.
"""

from __future__ import annotations

from experiments.tuning.evidence import costs_of, paths, read, trials_of, write
from experiments.tuning.rule import (
    Choice,
    Trial,
    algorithm,
    best,
    documented,
    place,
    remarks,
    searches,
    settle,
    trial_of,
    tuning_runs,
    values,
)

__all__ = [
    "Choice",
    "Trial",
    "algorithm",
    "best",
    "costs_of",
    "documented",
    "paths",
    "place",
    "read",
    "remarks",
    "searches",
    "settle",
    "trial_of",
    "trials_of",
    "tuning_runs",
    "values",
    "write",
]
