"""The builder of `msd_heart`, in the form of tensorflow-datasets."""

import itertools
import re
from pathlib import Path

from experiments.problems.datasets import nifti, preprocessing, volumes
from experiments.problems.datasets.cards import MSD_HEART
from experiments.problems.datasets.cases import Case, Look, listed, read

CLASSES = ("background", "left atrium")
SIDES = (320, 320)
_NAME = re.compile(r"la_\d{3}\.nii(\.gz)?")
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
    root = folder if (folder / "imagesTr").is_dir() else folder / "Task02_Heart"
    parts = ("imagesTr", "labelsTr")
    faults: list[str] = []
    names = {part: [path.name for path in listed(root / part, faults)] for part in parts}
    if not faults and not any(names.values()):
        faults = ["it has no imagesTr and labelsTr with files la_NNN.nii.gz"]
    faults += [
        f"{part}/{name} is not named la_NNN.nii.gz"
        for part in parts
        for name in names[part]
        if not _NAME.fullmatch(name)
    ]
    # of what is in one of the folders alone, the other file is named as missing when it is read
    sound = sorted({name for part in parts for name in names[part] if _NAME.fullmatch(name)})
    cases = [Case(name[:6], name[:6], root / "imagesTr" / name, root / "labelsTr" / name, root=root) for name in sound]
    faults += [f"{case.name} is there twice" for before, case in itertools.pairwise(cases) if before.name == case.name]
    return cases, faults


def look(case: Case) -> Look:
    """Returns the slices of a case, the nose up and the patient's right on the left."""
    image, mask = read(case, len(CLASSES), canonical=True)
    masks = preprocessing.upright(preprocessing.fit(mask.voxels, SIDES))
    if masks.sum() != mask.voxels.sum():
        raise nifti.Fault(f"{case.shown(case.mask)} has structure outside the middle 320 x 320")
    images = preprocessing.upright(preprocessing.fit(preprocessing.to_unit(image.voxels), SIDES))
    across, along, between = image.spacing_mm
    files = {f"imagesTr/{case.image.name}": image.origin, f"labelsTr/{case.mask.name}": mask.origin}
    return Look(images, masks, (along, across, between), files)
