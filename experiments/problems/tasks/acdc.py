"""`acdc`: both ventricles and the muscle in slices of cine MRI, by a U-Net 16-32-64-128.

One level less than the original project's, since 200 x 200 halves three times.
"""

from __future__ import annotations

from typing import Any

from experiments.problems.datasets.augment import HEART
from experiments.problems.tasks.segmentation import slices

CLASSES = ("background", "right ventricle", "myocardium", "left ventricle")


def build(dropout: int) -> Any:
    """Returns the model; Keras's global seed decides the weights, `dropout` the dropout keys."""
    from experiments.problems.unet import unet

    return unet((200, 200, 1), len(CLASSES), (16, 32, 64, 128), seed=dropout)


TASK = slices("acdc", "U-Net 16-32-64-128", 538_372, build, CLASSES, dropout=True, augmentation=HEART)
