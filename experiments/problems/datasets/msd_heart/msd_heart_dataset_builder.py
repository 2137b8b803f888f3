"""The builder of `msd_heart`, in the form of tensorflow-datasets."""

from pathlib import Path

from experiments.problems.datasets import decathlon, volumes
from experiments.problems.datasets.cards import MSD_HEART
from experiments.problems.datasets.cases import Case, Look

CLASSES = ("background", "left atrium")
SIDES = (320, 320)
_DESCRIPTION = """\
Axial slices of 20 MRI volumes with the left atrium, Task02 of the Medical Segmentation Decathlon
(CC BY-SA 4.0), split by patient. Intensities are scaled by percentiles 0.5 and 99.5 of the volume; slices are cut
or padded to 320 x 320 about their middle, so that voxels keep their size; axes run as the files say.
Slices without any atrium stay in.
"""
_CITATION = """\
@article{antonelli2022medical,
  title={The Medical Segmentation Decathlon}, author={Antonelli, Michela and others},
  journal={Nature Communications}, volume={13}, pages={4128}, year={2022}
}
"""


class Builder(volumes.VolumeBuilder):
    """The slices of every volume that has a mask."""

    CARD = MSD_HEART
    CLASSES = CLASSES
    SIDES = SIDES
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    MANUAL_DOWNLOAD_INSTRUCTIONS = MSD_HEART.instructions

    def find(self, folder: Path) -> tuple[list[Case], list[str]]:
        """Returns the cases of a folder, and its faults."""
        return find(folder)

    def look(self, case: Case) -> Look:
        """Returns the slices of a case."""
        return look(case)


def find(folder: Path) -> tuple[list[Case], list[str]]:
    """Returns the cases of a folder, and the faults of the names in it."""
    return decathlon.find(folder, "Task02_Heart", "la")


def look(case: Case) -> Look:
    """Returns the slices of a case, the nose up and the patient's right on the left."""
    return decathlon.look(case, len(CLASSES), SIDES)
