"""The papers' update rules as plain float64 NumPy loops: the independent side of every comparison.

Each file holds one rule as one function `rule(w, gradients, ...)` that returns the list of weights after every step,
made by `@stepwise` of the loop. They are naive on purpose: one line for each line of the paper, an explicit
`t = 1, 2, ...`, no sharing, and nothing imported from the library that they check.
"""

from tests.library.reference.adadelta import adadelta
from tests.library.reference.adagrad import adagrad
from tests.library.reference.adam import adam
from tests.library.reference.adamax import adamax
from tests.library.reference.adamw import adamw
from tests.library.reference.cyclic import clmr, clr
from tests.library.reference.gd import gd
from tests.library.reference.momentum import momentum
from tests.library.reference.nadam import nadam
from tests.library.reference.rmsprop import rmsprop
from tests.library.reference.sgd import sgd

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
