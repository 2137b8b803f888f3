"""Reads NIfTI files that others made: each is looked at before it is believed.

What is taken, converted and refused is in the tables of `nifti_file` (files and headers), of `nifti_geometry`
(size and place of voxels), and here, of values:

| the values | decision |
|---|---|
| not finite, or beyond float32, after scaling | refused |
| of a mask: classes, whole numbers within 0.001 | taken; named in a remark where they had to be rounded |
| of a mask: others | refused; scl_slope and scl_inter are named where the file has them |

Every fault of a file is found that can be seen past the others.
"""

import dataclasses
from pathlib import Path
from typing import Any

import nibabel as typed_in_part
import numpy as np

from experiments.problems.datasets import nifti_file
from experiments.problems.datasets.nifti_file import Content, Fault, by
from experiments.problems.datasets.nifti_geometry import Geometry, apart, geometry, same_spacing

__all__ = ["Fault", "Origin", "Volume", "check_aligned", "mask", "read"]

nibabel: Any = typed_in_part  # half of its functions have types

ROUNDING = 1e-3  # float labels stored with a slope come back within a few millionths
LARGEST = float(np.finfo(np.float32).max)
SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Origin:
    """The file of a volume."""

    sha256: str  # SHA-256 of the file
    remarks: tuple[str, ...] = ()  # what was assumed or converted, in words that a number of files follows


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume in memory."""

    voxels: np.ndarray  # [x, y, z], float64 for images, uint8 for masks
    spacing_mm: tuple[float, float, float]  # distance of neighbouring voxels along each axis
    affine: np.ndarray | None  # from voxel numbers to millimetres, [4, 4]; None when the file does not place its voxels
    origin: Origin  # the file


def read(path: Path, *, canonical: bool = False) -> Volume:
    """Reads a `.nii` or `.nii.gz` image, its axes turned to run to the right, front and top if `canonical`.

    Raises:
        Fault: the file is missing, damaged, or refused by a row of the tables.
    """
    return _read(path, None, canonical=canonical)


def mask(path: Path, classes: int, *, canonical: bool = False) -> Volume:
    """Reads a mask of classes 0 .. classes - 1 as uint8; raises Fault as `read` does, and for other values."""
    return _read(path, classes, canonical=canonical)


def check_aligned(image: Volume, mask: Volume, *, canonical: bool = False) -> None:
    """Raises Fault unless a mask lies on its image.

    Two volumes are compared by what both files say: size and spacing always, place and direction when both have them.
    """
    if image.voxels.shape != mask.voxels.shape:
        raise Fault(f"has {by(mask.voxels.shape)} voxels, its image {by(image.voxels.shape)}")
    if not same_spacing(image.spacing_mm, mask.spacing_mm):
        raise Fault(f"has voxels of {by(mask.spacing_mm)} mm, its image of {by(image.spacing_mm)} mm")
    if image.affine is not None and mask.affine is not None:
        away, wrong = apart(image.affine, mask.affine, image.voxels.shape)
        if wrong:
            raise Fault(f"lies up to {away:.3g} mm off its image, or is turned against it")
    elif canonical and (image.affine is None) != (mask.affine is None):
        placed, other = ("its image", "it") if mask.affine is None else ("it", "its image")
        raise Fault(f"may be turned against its image: {placed} has a sform or qform, {other} has none")


def _read(path: Path, classes: int | None, *, canonical: bool) -> Volume:
    """Reads a file, and finds the faults of its geometry and of its values alike."""
    content = nifti_file.load(path)
    faults: list[str] = []
    remarks: list[str] = []
    place = None
    try:
        place = geometry(content.header)
        remarks += place.remarks
    except Fault as fault:
        faults += fault.words
    voxels = _values(content, faults)
    if classes is not None and voxels is not None:
        voxels = _classes(voxels, classes, content, faults, remarks)
    if faults or place is None or voxels is None:
        raise Fault(*faults)
    return _turned(voxels, place, Origin(content.sha256, tuple(remarks)), canonical=canonical)


def _values(content: Content, faults: list[str]) -> np.ndarray | None:
    """Returns the scaled values, or None and adds a fault when some are none to compute with."""
    try:
        with np.errstate(all="ignore"):  # what overflows is found below
            values = content.stored.astype(np.float64)
            if content.scaled:
                values = values * content.slope + content.inter
        sound = np.abs(values) <= LARGEST
    except MemoryError:
        faults.append(f"needs more memory than there is ({content.stored.size * 8:,} bytes)")
        return None
    if sound.all():
        return values
    count = f"{int((~sound).sum()):,} of {sound.size:,} voxels"
    finite = bool(np.isfinite(values).all())
    what = "that are too large" if finite else "that are not finite"
    faults.append(f"has values {what} ({count}{_scaling(content)})")
    return None


def _classes(
    values: np.ndarray, classes: int, content: Content, faults: list[str], remarks: list[str]
) -> np.ndarray | None:
    """Returns the classes that values stand for, or None and adds a fault."""
    distinct = np.unique(values)
    nearest = np.rint(distinct)
    sound = (np.abs(distinct - nearest) <= ROUNDING) & (nearest >= 0) & (nearest < classes)
    if sound.all():
        if (distinct != nearest).any():
            remarks.append("labels off by a rounding, taken as the nearest whole numbers")
        whole: np.ndarray = np.rint(values).astype(np.uint8)
        return whole
    strange = distinct[~sound]
    shown = ", ".join(f"{value:.8g}" for value in strange[:SHOWN])
    more = f" and {len(strange) - SHOWN:,} more" if len(strange) > SHOWN else ""
    faults.append(f"has the values {shown}{more}, allowed are 0 to {classes - 1}{_scaling(content, start=' ')}")
    return None


def _scaling(content: Content, start: str = "; ") -> str:
    """Returns how values come from stored numbers, when they do not equal them."""
    if not content.scaled:
        return ""
    words = f"scl_slope {content.slope:.8g}, scl_inter {content.inter:.8g}"
    return f"{start}({words})" if start == " " else f"{start}{words}"


def _turned(voxels: np.ndarray, place: Geometry, origin: Origin, *, canonical: bool) -> Volume:
    """Returns the volume with its axes as they are, or turned to the patient's when the file places them."""
    if place.affine is None or not canonical:
        return Volume(voxels, place.spacing_mm, place.affine, origin)
    order = nibabel.io_orientation(place.affine)
    affine = place.affine @ nibabel.orientations.inv_ornt_aff(order, voxels.shape)
    spacing = np.empty(3)
    spacing[order[:, 0].astype(int)] = place.spacing_mm
    first, second, third = map(float, spacing)
    return Volume(nibabel.apply_orientation(voxels, order), (first, second, third), affine, origin)
