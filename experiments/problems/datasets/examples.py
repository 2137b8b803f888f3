"""Labelled images in memory."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True)
class Examples:
    """One split in memory: uint8 images [n, height, width, 1], labels [n] as int32 or [n, height, width] as uint8."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """SHA-256 of the images, then the labels, both as uint8 in C order."""
        return hashlib.sha256(self.images.tobytes() + self.labels.astype(np.uint8).tobytes()).hexdigest()
