"""Tasks of the Medical Segmentation Decathlon: imagesTr and labelsTr with a file of one name for each volume."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

from experiments.problems.datasets import nifti, preprocessing
from experiments.problems.datasets.cases import Case, Look, listed, read

CITATION = """\
@article{antonelli2022medical,
  title={The Medical Segmentation Decathlon}, author={Antonelli, Michela and others},
  journal={Nature Communications}, volume={13}, pages={4128}, year={2022}
}
"""


def find(folder: Path, task: str, stem: str, patient: Callable[[str], str] = str) -> tuple[list[Case], list[str]]:
    """Returns the cases of a folder, or of the task in it, and the faults of the names; files are named STEM_NNN.

    `patient` names whom a case is of: by default each name stands for somebody else.
    """
    root = folder if (folder / "imagesTr").is_dir() else folder / task
    parts, form = ("imagesTr", "labelsTr"), re.compile(rf"({stem}_\d{{3}})\.nii(\.gz)?")
    faults: list[str] = []
    names = {part: [path.name for path in listed(root / part, faults)] for part in parts}
    if not faults and not any(names.values()):
        faults = [f"it has no imagesTr and labelsTr with files {stem}_NNN.nii.gz"]
    faults += [
        f"{part}/{name} is not named {stem}_NNN.nii.gz"
        for part in parts
        for name in names[part]
        if not form.fullmatch(name)
    ]
    # of what is in one of the folders alone, the other file is named as missing when it is read
    found = sorted(
        {match[0]: match[1] for part in parts for name in names[part] if (match := form.fullmatch(name))}.items()
    )
    cases = [
        Case(subject, patient(subject), root / "imagesTr" / name, root / "labelsTr" / name, root=root)
        for name, subject in found
    ]
    faults += [f"{case.name} is there twice" for before, case in itertools.pairwise(cases) if before.name == case.name]
    return cases, faults


def look(case: Case, classes: int, sides: tuple[int, int]) -> Look:
    """Returns the slices of a case with given rows and columns, the nose up and the patient's right on the left.

    Slices are cut or padded about their middle; intensities are scaled by the percentiles 0.5 and 99.5 of the volume.
    """
    image, mask = read(case, classes, canonical=True)
    across = sides[1], sides[0]
    masks = preprocessing.upright(preprocessing.fit(mask.voxels, across))
    if masks.astype(bool).sum() != mask.voxels.astype(bool).sum():
        raise nifti.Fault(f"{case.shown(case.mask)} has structure outside the middle {sides[0]} x {sides[1]}")
    images = preprocessing.upright(preprocessing.fit(preprocessing.to_unit(image.voxels), across))
    wide, high, thick = image.spacing_mm
    files = {f"imagesTr/{case.image.name}": image.origin, f"labelsTr/{case.mask.name}": mask.origin}
    return Look(images, masks, (high, wide, thick), files)
