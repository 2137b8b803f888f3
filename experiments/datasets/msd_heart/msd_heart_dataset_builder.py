"""The builder of `msd_heart`, in the form of tensorflow-datasets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from experiments.datasets import nifti, preprocessing, segmentation, volumes
from experiments.datasets.own import MSD_HEART
from experiments.datasets.volumes import Case, Look

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
            split: self._generate_examples([case for case in cases if case.patient in patients[split]])
            for split in patients
        }

    def _generate_examples(self, cases: Sequence[Case]) -> Iterator[tuple[int, dict[str, Any]]]:
        return volumes.examples(cases, look, preprocessing.grey_levels)


def find(folder: Path) -> tuple[list[Case], list[str]]:
    """Returns the cases of a folder and what is wrong with the names in it."""
    root = folder if (folder / "imagesTr").is_dir() else folder / "Task02_Heart"
    images, masks = (_names(root / part) for part in ("imagesTr", "labelsTr"))
    faults = [
        f"{part}/{name} is not named la_NNN.nii.gz"
        for part, names in (("imagesTr", images), ("labelsTr", masks))
        for name in names
        if not _NAME.fullmatch(name)
    ]
    sound = [name for name in sorted({*images, *masks}) if _NAME.fullmatch(name)]
    faults += [f"imagesTr/{name} is missing" for name in sound if name not in images]
    faults += [f"labelsTr/{name} is missing" for name in sound if name not in masks]
    if not images and not masks:
        faults = ["it has no imagesTr and labelsTr with files la_NNN.nii.gz"]
    pairs = [name for name in sound if name in images and name in masks]
    cases = [Case(name[:6], name[:6], root / "imagesTr" / name, root / "labelsTr" / name) for name in pairs]
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
        raise nifti.Fault(f"{case.mask.parent.name}/{case.mask.name} has structure outside the middle 320 x 320")
    images = preprocessing.upright(preprocessing.fit(preprocessing.to_unit(image.voxels), SIDES))
    across, along, between = image.spacing_mm
    files = {f"imagesTr/{case.image.name}": image.sha256, f"labelsTr/{case.mask.name}": mask.sha256}
    return Look(images, masks, (along, across, between), files)


def _names(folder: Path) -> list[str]:
    """Returns the names in a folder; those that begin with a dot are a Mac's, not the data set's."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
