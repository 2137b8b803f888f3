"""The builder of `msd_hippocampus`, in the form of tensorflow-datasets.

A volume holds one hippocampus, and the files 2k - 1 and 2k the two of one head. The publisher does not say so; it is
inferred: of 71 pairs of float32 files with such numbers all 71 share the step of their intensities, of 82 pairs
(2k, 2k + 1) none does, and the mean correlation of their images is 0.61 against 0.45. So both are in one split.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets import decathlon, volumes
from experiments.problems.datasets.cards import MSD_HIPPOCAMPUS
from experiments.problems.datasets.cases import Case, Look, refuse

CLASSES = ("background", "anterior", "posterior")
SIDES = (64, 48)
# Which of the slices that show the structure each split has: neighbours are 1 mm apart and nearly equal, and scores of
# validation are taken often.
EVERY = {"train": 2, "validation": 4}
AIM = {"test": 60, "validation": 40}  # volumes that a split has at least; training has the others
_DESCRIPTION = """\
Axial slices of MRI volumes around the hippocampus, with its anterior and posterior part: 260 volumes of 170 people,
left and right, of Task04 of the Medical Segmentation Decathlon (CC BY-SA 4.0). The committed index file says which
volumes are for training (160), validation (40) and test (60); both of a head are in one split. That the files 2k - 1
and 2k are of one head is inferred from their numbers and the steps of their intensities. Intensities are scaled by the
percentiles 0.5 and 99.5 of the volume; slices of 1 mm pixels are padded to 64 x 48 about their middle. Training has
every second slice that shows the structure, validation every fourth; the test split has every slice of each volume, so
that the whole volume is measured.
"""
_CITATION = (
    """\
@article{simpson2019large,
  title={A large annotated medical image dataset for the development and evaluation of segmentation algorithms},
  author={Simpson, Amber L. and others}, journal={arXiv:1902.09063}, year={2019}
}
"""
    + decathlon.CITATION
)


def head(name: str) -> int:
    """Returns the number of the head that a volume is of, from the name of its file.

    >>> [head(f"hippocampus_{number:03d}") for number in (1, 2, 3, 394)]
    [1, 1, 2, 197]
    """
    return (int(name.rpartition("_")[2]) + 1) // 2


def split(numbers: Sequence[int]) -> dict[str, list[int]]:
    """Returns the volumes of each split, by whole heads in the order of a hash: test, then validation, get theirs."""
    heads: dict[int, list[int]] = {}
    for number in numbers:
        heads.setdefault(head(f"_{number}"), []).append(number)
    order = sorted(heads, key=lambda one: hashlib.sha256(f"msd_hippocampus|{one}".encode()).hexdigest())
    found: dict[str, list[int]] = {one: [] for one in datasets.SPLITS}
    for one in order:
        part = next((part for part, count in AIM.items() if len(found[part]) < count), "train")
        found[part] += heads[one]
    return {part: sorted(own) for part, own in found.items()}


class Builder(volumes.VolumeBuilder):
    """The slices of every volume in the committed split."""

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"2.0.0": "Both volumes of a head are in one split."}
    CARD = MSD_HIPPOCAMPUS
    CLASSES = CLASSES
    SIDES = SIDES
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    MANUAL_DOWNLOAD_INSTRUCTIONS = MSD_HIPPOCAMPUS.instructions

    def find(self, folder: Path) -> tuple[list[Case], list[str]]:
        """Returns the cases of a folder that are in the committed split, and its faults."""
        cases, faults = decathlon.find(folder, "Task04_Hippocampus", "hippocampus", lambda name: str(head(name)))
        known = {name for names in self._committed().values() for name in names}
        return [case for case in cases if case.name in known], faults

    def look(self, case: Case) -> Look:
        """Returns the slices of a case."""
        return decathlon.look(case, len(CLASSES), SIDES)

    def divide(self, folder: Path, cases: Sequence[Case]) -> dict[str, list[str]]:
        """Returns the heads of each split by the committed index; refuses a folder without one of their volumes."""
        index, here = self._committed(), {case.name for case in cases}
        missing = [name for names in index.values() for name in names if name not in here]
        refuse(folder, [f"{name} is missing, a volume of the committed split" for name in missing])
        return {part: sorted({str(head(name)) for name in names}, key=int) for part, names in index.items()}

    def rows(self, split: str, masks: np.ndarray) -> Sequence[int]:
        """Returns every slice of a test case, and some of those that show the structure of others."""
        if split == "test":
            return range(len(masks))
        found: list[int] = np.flatnonzero(masks.any(axis=(1, 2)))[:: EVERY[split]].tolist()
        return found

    def _committed(self) -> Mapping[str, list[str]]:
        """Returns the names of the volumes of each split."""
        index = datasets.indices(datasets.CARDS[self.name], datasets.SPLITS)
        return {part: [f"hippocampus_{number:03d}" for number in numbers] for part, numbers in index.items()}
