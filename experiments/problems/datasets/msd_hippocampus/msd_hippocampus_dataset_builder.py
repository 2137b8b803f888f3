"""The builder of `msd_hippocampus`, in the form of tensorflow-datasets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.problems import datasets
from experiments.problems.datasets import decathlon, volumes
from experiments.problems.datasets.cards import MSD_HIPPOCAMPUS
from experiments.problems.datasets.cases import Case, Look, refuse

CLASSES = ("background", "anterior", "posterior")
SIDES = (64, 48)
# Which of the slices that show the structure each split has: neighbours are 1 mm apart and nearly equal, and scores of
# validation are taken often.
EVERY = {"train": 2, "validation": 4}
_DESCRIPTION = """\
Axial slices of MRI volumes around the hippocampus, of 260 subjects, with its anterior and posterior part: Task04 of the
Medical Segmentation Decathlon (CC BY-SA 4.0). The committed index file says which subjects are for training (160),
validation (40) and test (60). Intensities are scaled by the percentiles 0.5 and 99.5 of the volume; slices of 1 mm
pixels are padded to 64 x 48 about their middle. Training has every second slice that shows the structure, validation
every fourth; the test split has every slice of each volume, so that the whole volume is measured.
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


class Builder(volumes.VolumeBuilder):
    """The slices of every subject in the committed split."""

    CARD = MSD_HIPPOCAMPUS
    CLASSES = CLASSES
    SIDES = SIDES
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    MANUAL_DOWNLOAD_INSTRUCTIONS = MSD_HIPPOCAMPUS.instructions

    def find(self, folder: Path) -> tuple[list[Case], list[str]]:
        """Returns the cases of a folder, and its faults."""
        return decathlon.find(folder, "Task04_Hippocampus", "hippocampus")

    def look(self, case: Case) -> Look:
        """Returns the slices of a case."""
        return decathlon.look(case, len(CLASSES), SIDES)

    def divide(self, folder: Path, cases: Sequence[Case]) -> dict[str, list[str]]:
        """Returns the subjects of each split by the committed index; refuses a folder without one of them."""
        index = datasets.indices(datasets.CARDS[self.name], datasets.SPLITS)
        found = {split: [f"hippocampus_{number:03d}" for number in numbers] for split, numbers in index.items()}
        here = {case.name for case in cases}
        missing = [name for names in found.values() for name in names if name not in here]
        refuse(folder, [f"{name} is missing, a subject of the committed split" for name in missing])
        return found

    def rows(self, split: str, masks: np.ndarray) -> Sequence[int]:
        """Returns every slice of a test case, and some of those that show the structure of others."""
        if split == "test":
            return range(len(masks))
        found: list[int] = np.flatnonzero(masks.any(axis=(1, 2)))[:: EVERY[split]].tolist()
        return found
