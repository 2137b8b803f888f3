"""What the data sets of volumes share: cases found in a folder, looked through, and split by patient."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.datasets import nifti, segmentation
from experiments.datasets.places import SPLITS
from experiments.errors import UserError

SHOWN = 5
MOST_CASES = 10_000


@dataclasses.dataclass(frozen=True)
class Case:
    """One image with its mask: what metrics are computed for.

    Attributes:
        name: unique in the data set.
        patient: a patient is in one split, with all of their cases.
        image: file of the image.
        mask: file of the mask.
        group: patients of a group, such as a diagnosis, are spread evenly over the splits.
        given: the split that the publisher put the case in, if any.
    """

    name: str
    patient: str
    image: Path
    mask: Path
    group: str = ""
    given: str = ""


@dataclasses.dataclass(frozen=True)
class Look:
    """A case as the network sees it.

    Attributes:
        images: intensities 0 .. 1, float64 [slice, row, column].
        masks: classes, uint8 [slice, row, column].
        spacing_mm: distance of rows, of columns and of slices.
        files: SHA-256 of each file, by its name.
    """

    images: np.ndarray
    masks: np.ndarray
    spacing_mm: tuple[float, float, float]
    files: Mapping[str, str]


def read(case: Case, classes: int, *, canonical: bool) -> tuple[nifti.Volume, nifti.Volume]:
    """Returns image and mask of a case.

    Raises:
        Fault: with the name of the file, if either is not what it must be, or they do not belong together.
    """
    path = case.image
    try:
        image = nifti.read(path, canonical=canonical)
        path = case.mask
        mask = nifti.mask(path, classes, canonical=canonical)
        nifti.check_aligned(image, mask)
    except nifti.Fault as fault:
        raise nifti.Fault(f"{path.parent.name}/{path.name} {fault}") from fault
    return image, mask


def survey(folder: Path, cases: Sequence[Case], faults: list[str], look: Callable[[Case], Look]) -> dict[str, Any]:
    """Looks at every case before any is used, and returns what the identity of the data rests on.

    Args:
        folder: the data set's, for the error.
        cases: the cases found.
        faults: what was wrong already; complete when this returns.
        look: reads a case.

    Returns:
        The number of slices of each case, by its name, and the SHA-256 of each file, by its name.

    Raises:
        UserError: anything is wrong; it names the first five and says how many there are.
    """
    slices: dict[str, int] = {}
    files: dict[str, str] = {}
    for case in cases:
        try:
            seen = look(case)
        except nifti.Fault as fault:
            faults.append(str(fault))
        else:
            slices[case.name] = len(seen.images)
            files |= seen.files
    refuse(folder, faults)
    return {"slices": slices, "files": files}


def refuse(folder: Path, faults: Sequence[str]) -> None:
    """Raises UserError, with the first five faults and their number, when there are any."""
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise UserError(
            f"The folder {folder} cannot be used, {len(faults)} fault(s): {'; '.join(faults[:SHOWN])}{more}."
        )


def divide(label: str, cases: Sequence[Case]) -> dict[str, list[str]]:
    """Returns the patients of each split: a fifth for validation, a fifth for test, the others for training.

    Patients come in the order of a hash of their names, group by group in turn, so that the split is
    the same everywhere, depends on no order of files, and has its share of each group. Patients that the
    publisher gives as test set are the test set.

    Raises:
        UserError: a patient would be in two splits, or there are too few.
    """
    given = {split: sorted({c.patient for c in cases if c.given == split}) for split in ("", "test")}
    both = sorted(set(given[""]) & set(given["test"]))
    if both:
        raise UserError(f"{label}: {len(both)} patient(s) are in two splits: {', '.join(both[:SHOWN])}.")
    order = _order(label, {case.patient: case.group for case in cases if not case.given})
    held = max(1, round(len(order) / 5))
    test = given["test"] or order[:held]
    rest = order if given["test"] else order[held:]
    found = {"train": rest[held:], "validation": rest[:held], "test": test}
    if not all(found.values()):
        raise UserError(f"{label}: {len(order)} patient(s) with masks are too few for {', '.join(SPLITS)}.")
    return {split: sorted(patients) for split, patients in found.items()}


def manifest(survey: Mapping[str, Any], cases: Sequence[Case], patients: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Returns what is kept of the data's origin: patients and slices of each split, and every file."""
    slices = {split: sum(survey["slices"][c.name] for c in cases if c.patient in patients[split]) for split in SPLITS}
    return {"patients": dict(patients), "slices": slices, "files": dict(survey["files"])}


def examples(
    cases: Sequence[Case], look: Callable[[Case], Look], grey_levels: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields number and example of every slice of some cases, one case in memory at a time."""
    number = 0
    for case in cases:
        seen = look(case)
        for position, (image, mask) in enumerate(zip(grey_levels(seen.images), seen.masks, strict=True)):
            yield number, segmentation.example(image, mask, case.name, position, seen.spacing_mm)
            number += 1


def _order(label: str, groups: Mapping[str, str]) -> list[str]:
    def drawn(patient: str) -> str:
        return hashlib.sha256(f"{label}|{patient}".encode()).hexdigest()

    turns: dict[str, int] = {}
    for group in set(groups.values()):
        members = sorted((p for p in groups if groups[p] == group), key=drawn)
        turns |= {patient: turn for turn, patient in enumerate(members)}
    return sorted(groups, key=lambda patient: (turns[patient], drawn(patient)))
