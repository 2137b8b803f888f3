"""The papers' update rules as plain float64 NumPy loops: the independent side of every comparison.

Each file holds one rule as one function `rule(w, gradients, ...)` that returns the list of weights after every step,
made by `@stepwise` of the loop. They are naive on purpose: one line for each line of the paper, an explicit
`t = 1, 2, ...`, no sharing, and nothing imported from the library that they check.
"""

from tests.library.reference.adabelief import adabelief
from tests.library.reference.adabound import adabound
from tests.library.reference.adadelta import adadelta
from tests.library.reference.adafactor import adafactor
from tests.library.reference.adagrad import adagrad
from tests.library.reference.adam import adam
from tests.library.reference.adamax import adamax
from tests.library.reference.adamw import adamw
from tests.library.reference.adan import adan
from tests.library.reference.ademamix import ademamix
from tests.library.reference.adopt import adopt
from tests.library.reference.cocob import cocob
from tests.library.reference.conditional_gradient import conditional_gradient
from tests.library.reference.cyclic import clmr, clr
from tests.library.reference.dog import dog
from tests.library.reference.ftrl import ftrl
from tests.library.reference.gd import gd
from tests.library.reference.kron import kron
from tests.library.reference.lamb import lamb
from tests.library.reference.laprop import laprop
from tests.library.reference.lars import lars
from tests.library.reference.lion import lion
from tests.library.reference.madgrad import madgrad
from tests.library.reference.mars import mars
from tests.library.reference.momentum import momentum
from tests.library.reference.muon import muon
from tests.library.reference.nadam import nadam
from tests.library.reference.nadamw import nadamw
from tests.library.reference.novograd import novograd
from tests.library.reference.prodigy import prodigy
from tests.library.reference.proximal_adagrad import proximal_adagrad
from tests.library.reference.qhadam import qhadam
from tests.library.reference.qhm import qhm
from tests.library.reference.radam import radam
from tests.library.reference.rmsprop import rmsprop
from tests.library.reference.rprop import rprop
from tests.library.reference.schedule_free import schedule_free_adamw, schedule_free_sgd
from tests.library.reference.sgd import sgd
from tests.library.reference.sgdw import sgdw
from tests.library.reference.shampoo import shampoo
from tests.library.reference.signum import signsgd, signum
from tests.library.reference.soap import soap
from tests.library.reference.stable_adamw import stable_adamw
from tests.library.reference.yogi import yogi

__all__ = [
    "adabelief",
    "adabound",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adan",
    "ademamix",
    "adopt",
    "clmr",
    "clr",
    "cocob",
    "conditional_gradient",
    "dog",
    "ftrl",
    "gd",
    "kron",
    "lamb",
    "laprop",
    "lars",
    "lion",
    "madgrad",
    "mars",
    "momentum",
    "muon",
    "nadam",
    "nadamw",
    "novograd",
    "prodigy",
    "proximal_adagrad",
    "qhadam",
    "qhm",
    "radam",
    "rmsprop",
    "rprop",
    "schedule_free_adamw",
    "schedule_free_sgd",
    "sgd",
    "sgdw",
    "shampoo",
    "signsgd",
    "signum",
    "soap",
    "stable_adamw",
    "yogi",
]
