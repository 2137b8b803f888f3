"""Callbacks for `fit`: stopping conditions, which also work in custom loops, `Resume` and `EvaluateAverage`."""

from tfoptim.declaration import presentation as _presentation
from tfoptim.evaluation.callback import EvaluateAverage as EvaluateAverage
from tfoptim.resume.callback import Resume as Resume
from tfoptim.stopping.condition import Condition as Condition
from tfoptim.stopping.conditions import Budget as Budget
from tfoptim.stopping.conditions import NoImprovement as NoImprovement
from tfoptim.stopping.conditions import NonFinite as NonFinite
from tfoptim.stopping.conditions import RelativeDecreaseBelow as RelativeDecreaseBelow
from tfoptim.stopping.conditions import TargetReached as TargetReached
from tfoptim.stopping.gradient_norm import GradientNormBelow as GradientNormBelow

__all__ = [
    "Budget",
    "Condition",
    "EvaluateAverage",
    "GradientNormBelow",
    "NoImprovement",
    "NonFinite",
    "RelativeDecreaseBelow",
    "Resume",
    "TargetReached",
]
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
