"""Declaring hyperparameters: one annotated line gives argument, check, configuration and documentation.

>>> import tfoptim
>>> from tfoptim.declaration import Fraction, NonNegative
>>> class Heavy(tfoptim.Optimizer):
...     learning_rate: NonNegative = 0.1
...     beta: Fraction = 0.9
...     slots = dict(m=0.0)
...     def direction(self, h, g, w, s):
...         s.m = h.beta * s.m + g
...         return s.m
>>> Heavy(beta=0.5)
Heavy(beta=0.5)

The domains below are for such lines; `Annotated[Number, Interval(0.0, 2.0)]` and `Annotated[int, Integer(1)]` make
others, and `bool` needs none. `Slot` declares state of another shape than its variable's.
"""

from tfoptim.declaration.domains import (
    Choice,
    ClosedFraction,
    Count,
    Flag,
    Fraction,
    Integer,
    Interval,
    NonNegative,
    Number,
    Period,
    Positive,
    Steps,
)
from tfoptim.declaration.fields import keyword_only
from tfoptim.declaration.slots import Slot

__all__ = [
    "Choice",
    "ClosedFraction",
    "Count",
    "Flag",
    "Fraction",
    "Integer",
    "Interval",
    "NonNegative",
    "Number",
    "Period",
    "Positive",
    "Slot",
    "Steps",
    "keyword_only",
]
