"""The figures of a comparison: table -> files, so that a figure's CSV draws it again. Nothing here trains."""

from __future__ import annotations

from experiments.figures.across import EPOCHS, OVER_STEPS, telling
from experiments.figures.curve_kinds import CURVES, curves_of
from experiments.figures.curves import draw_curves, table_from, table_of

__all__ = [
    "CURVES",
    "EPOCHS",
    "OVER_STEPS",
    "curves_of",
    "draw_curves",
    "table_from",
    "table_of",
    "telling",
]
