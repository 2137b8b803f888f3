"""The papers' update rules as plain float64 NumPy loops: the independent side of every comparison.

Each file holds one rule as one function `rule(w, gradients, ...)` that returns the list of weights
after every step. They are naive on purpose: one line for each line of the paper, an explicit
`t = 1, 2, ...`, no sharing, and nothing imported from the library that they check.
"""

from tests.reference.adadelta import adadelta
from tests.reference.adagrad import adagrad
from tests.reference.adam import adam
from tests.reference.adamax import adamax
from tests.reference.adamw import adamw
from tests.reference.cyclic import clmr, clr
from tests.reference.gd import gd
from tests.reference.momentum import momentum
from tests.reference.nadam import nadam
from tests.reference.rmsprop import rmsprop
from tests.reference.sgd import sgd

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "clmr",
    "clr",
    "gd",
    "momentum",
    "nadam",
    "rmsprop",
    "sgd",
]
