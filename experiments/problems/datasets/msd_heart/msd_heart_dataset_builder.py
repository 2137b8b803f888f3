"""The builder of `msd_heart`, in the form of tensorflow-datasets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from experiments.problems.datasets import nifti, preprocessing, segmentation, volumes
from experiments.problems.datasets.own import MSD_HEART
from experiments.problems.datasets.volumes import Case, Look

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


class Builder(tfds.core.GeneratorBasedBuilder):
    """The slices of every volume that has a mask."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "As downloaded."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = MSD_HEART.instructions

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=segmentation.features(SIDES, CLASSES),
            supervised_keys=("image", "segmentation_mask"),
            homepage=MSD_HEART.source,
            citation=_CITATION,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        folder = Path(dl_manager.manual_dir)
        cases, faults = find(folder)
        found = volumes.survey(folder, cases, faults, look)
        patients = volumes.divide(self.name, cases)
        self.info.metadata.update(volumes.manifest(found, cases, patients))
        return {
            split: self._generate_examples(found, [case for case in cases if case.patient in patients[split]])
            for split in patients
        }

    def _generate_examples(
        self, found: Mapping[str, Any], cases: Sequence[Case]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        return volumes.examples(found, cases, look, preprocessing.grey_levels)


def find(folder: Path) -> tuple[list[Case], list[str]]:
    """Returns the cases of a folder and what is wrong with the names in it."""
    root = folder if (folder / "imagesTr").is_dir() else folder / "Task02_Heart"
    parts = ("imagesTr", "labelsTr")
    faults: list[str] = []
    names = {part: [path.name for path in volumes.listed(root / part, faults)] for part in parts}
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
    """Returns the slices of a case, the nose up and the patient's right on the left.

    Raises:
        Fault: a file is not what it must be.
    """
    image, mask = volumes.read(case, len(CLASSES), canonical=True)
    masks = preprocessing.upright(preprocessing.fit(mask.voxels, SIDES))
    if masks.sum() != mask.voxels.sum():
        raise nifti.Fault(f"{case.shown(case.mask)} has structure outside the middle 320 x 320")
    images = preprocessing.upright(preprocessing.fit(preprocessing.to_unit(image.voxels), SIDES))
    across, along, between = image.spacing_mm
    files = {f"imagesTr/{case.image.name}": image.origin, f"labelsTr/{case.mask.name}": mask.origin}
    return Look(images, masks, (along, across, between), files)
