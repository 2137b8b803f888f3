"""Labelled images in memory, and the form of a slice in tensorflow-datasets."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

MASK = "segmentation_mask"


@dataclasses.dataclass(frozen=True)
class Examples:
    """One split in memory: uint8 images [n, height, width, 1], labels [n] as int32 or [n, height, width] as uint8."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """SHA-256 of the images, then the labels, both as uint8 in C order."""
        return hashlib.sha256(self.images.tobytes() + self.labels.astype(np.uint8).tobytes()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Slices(Examples):
    """One split of slices in memory: uint8 images [n, height, width, 1], uint8 labels [n, height, width]."""

    cases: np.ndarray  # name of the case, which metrics are computed for, of each slice, [n]
    positions: np.ndarray  # place of each slice within its case, [n]
    spacing_mm: np.ndarray  # distance of rows, of columns and of slices, [n, 3]


def features(sides: tuple[int, int], classes: Sequence[str]) -> Any:
    """Returns the features of an example, with sides in pixels, and names of classes, the background first."""
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(*sides, 1)),
            MASK: tfds.features.LabeledImage(labels=list(classes), shape=(*sides, 1)),
            "case": tfds.features.Text(),
            "position": np.int32,
            "spacing_mm": tfds.features.Tensor(shape=(3,), dtype=np.float32),
        }
    )


def example(
    image: np.ndarray, mask: np.ndarray, case: str, position: int, spacing_mm: tuple[float, float, float]
) -> dict[str, Any]:
    """Returns an example from an image and a mask, both uint8 [height, width]."""
    return {
        "image": image[..., None],
        MASK: mask[..., None],
        "case": case,
        "position": position,
        "spacing_mm": np.array(spacing_mm, np.float32),
    }


def slices(data: dict[str, Any]) -> Slices:
    """Returns the slices of a split, read as one batch by tensorflow-datasets."""
    return Slices(
        images=np.asarray(data["image"]),
        labels=np.asarray(data[MASK])[..., 0],
        cases=np.array([name.decode() for name in np.asarray(data["case"])]),
        positions=np.asarray(data["position"]),
        spacing_mm=np.asarray(data["spacing_mm"]),
    )


def cases(slices: Slices) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the name of each case, in the order of the split, and the numbers of its slices from its first to last."""
    for case in dict.fromkeys(slices.cases.tolist()):
        rows = np.flatnonzero(slices.cases == case)
        yield case, rows[np.argsort(slices.positions[rows], kind="stable")]
