"""Schedules that Keras lacks, for any number of an optimizer, such as the learning rate or the momentum.

They count steps from 0, as Keras's do, and are computed in float64, so that they are exact at every step: in float32,
which Keras's schedules use, step 16,777,217 equals step 16,777,216.
"""

from tfoptim.declaration import presentation as _presentation
from tfoptim.schedules.averages import SWA as SWA
from tfoptim.schedules.averages import EmaWarmup as EmaWarmup
from tfoptim.schedules.rates import Cyclic as Cyclic
from tfoptim.schedules.rates import OneCycle as OneCycle
from tfoptim.schedules.rates import Times as Times
from tfoptim.schedules.rates import WarmupCosine as WarmupCosine
from tfoptim.schedules.rates import triangle as triangle

__all__ = ["SWA", "Cyclic", "EmaWarmup", "OneCycle", "Times", "WarmupCosine", "triangle"]
__getattr__ = _presentation.missing(__name__)
__dir__ = _presentation.shown(__name__)
