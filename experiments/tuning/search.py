"""Which hyperparameters are tried: scrambled Halton points, as many for every optimizer (rules B5, B6, B7).

    >>> first = Search("mnist_mlp", 0, space(1e-3, ["beta_1", "epsilon"], trials=20), trials=20)
    >>> first.points[0].values
    {'learning_rate': 0.00166316, 'beta_1': 0.96772}
    >>> first.widened(best=0) is None
    True

`tiers` says how much is spent, `spaces` what is tuned, `sequence` where the points lie, `searching` what follows from
the results. Everything is a pure function of its arguments; nothing is trained here.
"""

from __future__ import annotations

from experiments.studies.budgets import TIERS, Tier, tier
from experiments.tuning.searching import Search, Trial, unequal
from experiments.tuning.sequence import halton, radical_inverse
from experiments.tuning.spaces import Axis, Choice, LogUniform, Uniform, space

__all__ = [
    "TIERS",
    "Axis",
    "Choice",
    "LogUniform",
    "Search",
    "Tier",
    "Trial",
    "Uniform",
    "halton",
    "radical_inverse",
    "space",
    "tier",
    "unequal",
]
