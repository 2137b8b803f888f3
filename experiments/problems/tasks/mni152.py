"""`mni152`: grey and white matter in slices of one averaged brain, by a small U-Net 16-32-64.

An epoch has nine steps, so that the averages of batch normalisation follow within ten of them.
"""

from __future__ import annotations

from typing import Any

from experiments.problems.datasets.augment import BRAIN
from experiments.problems.tasks.segmentation import slices

CLASSES = ("background", "grey matter", "white matter")


def build(dropout: int) -> Any:
    """Returns the model; Keras's global seed decides the weights, and there is no dropout."""
    from experiments.problems.unet import SMALL, unet

    return unet((112, 96, 1), len(CLASSES), SMALL, dropout=0, bias=False, momentum=0.9, seed=dropout)


TASK = slices("mni152", "U-Net 16-32-64", 130_547, build, CLASSES, dropout=False, augmentation=BRAIN)
