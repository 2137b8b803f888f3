"""Cases of downloaded volumes: found in a folder, read and validated, with every fault and every assumption listed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from experiments.errors import UserError
from experiments.problems.datasets import nifti

SHOWN = 5
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Case:
    """One image with its mask: the unit that metrics are computed for."""

    name: str  # unique in the data set
    patient: str  # a patient is in one split, with all of their cases
    image: Path  # file of the image
    mask: Path  # file of the mask
    group: str = ""  # patients of a group, such as a diagnosis, are spread evenly over the splits
    given: str = ""  # the split that the publisher put the case in, if any
    root: Path | None = None  # the folder within which faults name files

    def shown(self, path: Path) -> str:
        """Returns the name of one of the files for a user."""
        return f"{path.parent.name}/{path.name}" if self.root is None else path.relative_to(self.root).as_posix()


@dataclasses.dataclass(frozen=True)
class Look:
    """A case as the network sees it."""

    images: np.ndarray  # intensities 0 .. 1, float64 [slice, row, column].
    masks: np.ndarray  # classes, uint8 [slice, row, column]
    spacing_mm: tuple[float, float, float]  # distance of rows, of columns and of slices
    files: Mapping[str, nifti.Origin]  # where it comes from, by the files' names


def read(case: Case, classes: int, *, canonical: bool) -> tuple[nifti.Volume, nifti.Volume]:
    """Returns image and mask of a case; raises Fault, the file's name before each, if they are not right."""
    faults: list[str] = []
    image = _of(case, case.image, faults, lambda: nifti.read(case.image, canonical=canonical))
    mask = _of(case, case.mask, faults, lambda: nifti.mask(case.mask, classes, canonical=canonical))
    if image is not None and mask is not None:
        _of(case, case.mask, faults, lambda: nifti.check_aligned(image, mask, canonical=canonical))
    if faults or image is None or mask is None:
        raise nifti.Fault(*faults)
    return image, mask


def survey(folder: Path, cases: Sequence[Case], faults: list[str], look: Callable[[Case], Look]) -> dict[str, Any]:
    """Validates every case before any is used: a UserError lists the faults, also those already found.

    Returns the number of slices of each case, by its name, the SHA-256 of each file, by its name, and remarks.
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
    """Raises UserError that lists all faults, one a line, if there are any."""
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
