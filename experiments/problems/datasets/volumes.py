"""What the data sets of volumes share: cases found in a folder, looked through, and split by patient."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from experiments.errors import UserError
from experiments.problems.datasets import nifti, segmentation
from experiments.problems.datasets.places import SPLITS

SHOWN = 5
T = TypeVar("T")


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
        root: the folder within which faults name files.
    """

    name: str
    patient: str
    image: Path
    mask: Path
    group: str = ""
    given: str = ""
    root: Path | None = None

    def shown(self, path: Path) -> str:
        """Returns the name of one of the files for a user."""
        return f"{path.parent.name}/{path.name}" if self.root is None else path.relative_to(self.root).as_posix()


@dataclasses.dataclass(frozen=True)
class Look:
    """A case as the network sees it.

    Attributes:
        images: intensities 0 .. 1, float64 [slice, row, column].
        masks: classes, uint8 [slice, row, column].
        spacing_mm: distance of rows, of columns and of slices.
        files: where it comes from, by the files' names.
    """

    images: np.ndarray
    masks: np.ndarray
    spacing_mm: tuple[float, float, float]
    files: Mapping[str, nifti.Origin]


def read(case: Case, classes: int, *, canonical: bool) -> tuple[nifti.Volume, nifti.Volume]:
    """Returns image and mask of a case.

    Raises:
        Fault: with the name of the file before each fault, if either is not what it must be, or they do not
            belong together.
    """
    faults: list[str] = []
    image = _of(case, case.image, faults, lambda: nifti.read(case.image, canonical=canonical))
    mask = _of(case, case.mask, faults, lambda: nifti.mask(case.mask, classes, canonical=canonical))
    if image is not None and mask is not None:
        _of(case, case.mask, faults, lambda: nifti.check_aligned(image, mask, canonical=canonical))
    if faults or image is None or mask is None:
        raise nifti.Fault(*faults)
    return image, mask


def survey(folder: Path, cases: Sequence[Case], faults: list[str], look: Callable[[Case], Look]) -> dict[str, Any]:
    """Looks at every case before any is used, and returns what the identity of the data rests on.

    Args:
        folder: the data set's, for the error.
        cases: the cases found.
        faults: what was wrong already; complete when this returns.
        look: reads a case.

    Returns:
        The number of slices of each case, by its name, the SHA-256 of each file, by its name, and remarks.

    Raises:
        UserError: anything is wrong; it names every fault with its file.
    """
    slices: dict[str, int] = {}
    files: dict[str, nifti.Origin] = {}
    for case in cases:
        try:
            seen = look(case)
        except nifti.Fault as fault:
            faults.extend(fault.words)
        except MemoryError:
            faults.append(f"{case.shown(case.image)} needs more memory than there is")
        else:
            slices[case.name] = len(seen.images)
            files |= seen.files
    refuse(folder, faults)
    digests = {name: origin.sha256 for name, origin in files.items()}
    return {"slices": slices, "files": digests, "remarks": _remarks(files)}


def refuse(folder: Path, faults: Sequence[str]) -> None:
    """Raises UserError with all faults, one a line, when there are any."""
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise UserError(f"The folder {folder} cannot be used, {len(faults)} fault(s):{lines}")


def listed(folder: Path, faults: list[str]) -> list[Path]:
    """Returns what is in a folder, by name; names that begin with a dot are a Mac's, not the data set's.

    A folder that is not there has nothing in it; of one that cannot be read a fault is added.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        faults.append(f"{folder.name} cannot be read ({error.strerror})")
        return []


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
    """Returns what is kept of the data's origin: patients and slices of each split, every file, and remarks."""
    slices = {split: sum(survey["slices"][c.name] for c in cases if c.patient in patients[split]) for split in SPLITS}
    kept = {key: survey[key] for key in ("files", "remarks")}
    return {"patients": dict(patients), "slices": slices, **kept}


def examples(
    survey: Mapping[str, Any],
    cases: Sequence[Case],
    look: Callable[[Case], Look],
    grey_levels: Callable[[np.ndarray], np.ndarray],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields number and example of every slice of some cases, one case in memory at a time.

    Raises:
        UserError: a file is not the one that was surveyed.
    """
    number = 0
    for case in cases:
        seen = _again(survey, case, look)
        for position, (image, mask) in enumerate(zip(grey_levels(seen.images), seen.masks, strict=True)):
            yield number, segmentation.example(image, mask, case.name, position, seen.spacing_mm)
            number += 1


def _of(case: Case, path: Path, faults: list[str], step: Callable[[], T]) -> T | None:
    """Returns what a step on a file gives, or None and adds the file's faults."""
    try:
        return step()
    except nifti.Fault as fault:
        faults.extend(f"{case.shown(path)} {words}" for words in fault.words)
        return None


def _remarks(files: Mapping[str, nifti.Origin]) -> list[str]:
    """Returns a line for each remark, with the number of files that it is about, and their names if not all."""
    found: dict[str, list[str]] = {}
    for name, origin in files.items():
        for remark in origin.remarks:
            found.setdefault(remark, []).append(name)
    lines = []
    for remark, names in found.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        which = "" if len(names) == len(files) else f" ({', '.join(names[:SHOWN])}{more})"
        lines.append(f"{remark}: {len(names)} of {len(files)} files{which}")
    return lines


def _again(survey: Mapping[str, Any], case: Case, look: Callable[[Case], Look]) -> Look:
    """Returns a case as it was surveyed."""
    try:
        seen = look(case)
    except nifti.Fault as fault:
        raise UserError(f"Files changed while they were read: {fault}. Type the command again.") from fault
    changed = [name for name, origin in seen.files.items() if survey["files"][name] != origin.sha256]
    if changed:
        raise UserError(f"Files changed while they were read: {', '.join(changed)}. Type the command again.")
    return seen


def _order(label: str, groups: Mapping[str, str]) -> list[str]:
    def drawn(patient: str) -> str:
        return hashlib.sha256(f"{label}|{patient}".encode()).hexdigest()

    turns: dict[str, int] = {}
    for group in set(groups.values()):
        members = sorted((p for p in groups if groups[p] == group), key=drawn)
        turns |= {patient: turn for turn, patient in enumerate(members)}
    return sorted(groups, key=lambda patient: (turns[patient], drawn(patient)))
