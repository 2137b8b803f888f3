"""`msd_heart`: the left atrium in axial MRI slices, by the original project's U-Net."""

from __future__ import annotations

from typing import Any

from experiments.problems.datasets.augment import HEART
from experiments.problems.tasks.segmentation import slices

CLASSES = ("background", "left atrium")


def build(dropout: int) -> Any:
    """Returns the model; Keras's global seed decides the weights, `dropout` the dropout keys."""
    from experiments.problems.unet import unet

    return unet((320, 320, 1), 1, seed=dropout)


TASK = slices("msd_heart", "U-Net 16-32-64-128-256", 2_164_305, build, CLASSES, dropout=True, augmentation=HEART)
