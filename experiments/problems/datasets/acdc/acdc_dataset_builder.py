"""The builder of `acdc`, in the form of tensorflow-datasets."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.problems.datasets import preprocessing, volumes
from experiments.problems.datasets.cards import ACDC
from experiments.problems.datasets.cases import Case, Look, listed, read

CLASSES = ("background", "right ventricle", "myocardium", "left ventricle")
SIDES = (200, 200)
_DESCRIPTION = """\
Slices of cine MRI of the heart at the end of filling (ED) and of emptying (ES), ACDC challenge (Bernard and
others, 2018), with right ventricle, myocardium and left ventricle, split by patient with all diagnoses in each
split; the challenge's own test patients are the test split when they are there. As in Mortazi and others
(2023): slices resized to 200 x 200 by cubic B-splines (masks by the nearest pixel), smoothed by
anisotropic diffusion, histograms matched, here to the mean of the training patients alone. A case is one
patient at one moment.
"""
_CITATION = """\
@article{bernard2018deep,
  title={Deep learning techniques for automatic {MRI} cardiac multi-structures segmentation and diagnosis:
    Is the problem solved?}, author={Bernard, Olivier and others},
  journal={IEEE Transactions on Medical Imaging}, volume={37}, number={11}, pages={2514--2525}, year={2018}
}
"""


class Builder(volumes.VolumeBuilder):
    """The slices of every patient at both moments."""

    CARD = ACDC
    CLASSES = CLASSES
    SIDES = SIDES
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    MANUAL_DOWNLOAD_INSTRUCTIONS = ACDC.instructions

    def find(self, folder: Path) -> tuple[list[Case], list[str]]:
        """Returns the cases of a folder, and its faults."""
        return find(folder)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._histograms: dict[str, np.ndarray] = {}
        self._target = np.empty(0)

    def look(self, case: Case) -> Look:
        """Returns the slices of a case, and keeps its histogram."""
        seen = look(case)
        self._histograms[case.name] = preprocessing.landmarks(seen.images)
        return seen

    def fit(self, train: Sequence[Case]) -> None:
        """Keeps the mean histogram of the training cases."""
        self._target = preprocessing.standard([self._histograms[case.name] for case in train])

    def grey_levels(self, images: np.ndarray) -> np.ndarray:
        """Returns intensities 0 .. 1 as uint8, their histogram matched to that of the training patients."""
        return preprocessing.grey_levels(preprocessing.match(images, self._target))


def find(folder: Path) -> tuple[list[Case], list[str]]:
    """Returns the cases of a folder, and the faults of the names in it."""
    roots = [folder, folder / "database", folder / "ACDC", folder / "ACDC" / "database"]
    root = next((root for root in roots if (root / "training").is_dir()), None)
    if root is None:
        return [], ["it has no folder `training` with folders patientNNN"]
    cases: list[Case] = []
    faults: list[str] = []
    for part, given in (("training", ""), ("testing", "test")):
        for patient in listed(root / part, faults):
            if patient.is_dir():
                _patient(patient, given, cases, faults)
    return cases, faults if cases or faults else ["its folder `training` has no folders patientNNN"]


def _patient(folder: Path, given: str, cases: list[Case], faults: list[str]) -> None:
    """Adds the cases of one patient, or the faults of the names."""
    where = f"{folder.parent.name}/{folder.name}"
    if not re.fullmatch(r"patient\d{3}", folder.name):
        faults.append(f"{where} is not named patientNNN")
        return
    group, moments = _facts(folder, where, faults)
    for moment, frame in moments.items():
        stem = folder / f"{folder.name}_frame{frame:02d}"
        image, mask = (_either(Path(f"{stem}{ending}")) for ending in ("", "_gt"))
        cases.append(Case(f"{folder.name}_{moment}", folder.name, image, mask, group, given, folder.parent.parent))


def look(case: Case) -> Look:
    """Returns the slices of a case in the plane that they were taken in, rows along the file's second axis."""
    image, mask = read(case, len(CLASSES), canonical=False)
    resized = preprocessing.resize(preprocessing.to_unit(image.voxels), SIDES, order=3)
    images = preprocessing.diffuse(np.clip(resized, 0, 1)).transpose(2, 1, 0)
    masks = preprocessing.resize(mask.voxels, SIDES, order=0).transpose(2, 1, 0)
    across, along = (s * n / side for s, n, side in zip(image.spacing_mm, image.voxels.shape, SIDES, strict=False))
    files = {f"{case.patient}/{path.name}": v.origin for path, v in ((case.image, image), (case.mask, mask))}
    return Look(images, np.ascontiguousarray(masks), (along, across, image.spacing_mm[2]), files)


def _facts(folder: Path, where: str, faults: list[str]) -> tuple[str, dict[str, int]]:
    """Returns a patient's group and the frames of both moments; without them, frames whose files can be looked at."""
    try:
        facts = _read_facts(folder / "Info.cfg")
        return facts.get("Group", ""), {moment: int(facts[moment]) for moment in ("ED", "ES")}
    except (UnicodeDecodeError, KeyError, ValueError):
        faults.append(f"{where}/Info.cfg is missing or does not give the frames ED and ES")
    except OSError as error:
        faults.append(f"{where}/Info.cfg cannot be read ({error.strerror})")
    found = (re.fullmatch(r"patient\d{3}_frame(\d+)_gt\.nii(\.gz)?", p.name) for p in listed(folder, []))
    return "", {f"frame{match[1]}": int(match[1]) for match in found if match}


def _read_facts(path: Path) -> dict[str, str]:
    """Returns the lines `name: value` of a patient's Info.cfg."""
    if not path.is_file() or path.stat().st_size > 10_000:
        raise ValueError("no file, or too long")
    pairs = (line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _either(stem: Path) -> Path:
    """Returns the compressed file of a name, or the plain one when only that is there."""
    packed, plain = (stem.with_name(f"{stem.name}.nii{ending}") for ending in (".gz", ""))
    return plain if plain.is_file() and not packed.is_file() else packed
