"""Callbacks for `fit`: conditions for stopping, which work in any loop, and `Resume`."""

from tfoptim import presentation as _presentation
from tfoptim.conditions import Budget as Budget
from tfoptim.conditions import NoImprovement as NoImprovement
from tfoptim.conditions import NonFinite as NonFinite
from tfoptim.conditions import RelativeDecreaseBelow as RelativeDecreaseBelow
from tfoptim.conditions import TargetReached as TargetReached
from tfoptim.gradient_norm import GradientNormBelow as GradientNormBelow
from tfoptim.resume import Resume as Resume
from tfoptim.stopping import Condition as Condition

__all__ = [
    "Budget",
    "Condition",
    "GradientNormBelow",
    "NoImprovement",
    "NonFinite",
    "RelativeDecreaseBelow",
    "Resume",
    "TargetReached",
]
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
