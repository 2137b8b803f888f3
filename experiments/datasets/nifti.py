"""Reads NIfTI files that others made: each is looked at before it is believed."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import nibabel as typed_in_part
import numpy as np

nibabel: Any = typed_in_part  # half of its functions have types

MOST_VOXELS = 512 * 512 * 512
LONGEST_SIDE = 2_048


class Fault(Exception):
    """What is wrong with one file, in words that follow its name."""


@dataclasses.dataclass(frozen=True)
class Volume:
    """A volume in memory.

    Attributes:
        voxels: [x, y, z], float64 for images, integers for masks.
        spacing_mm: distance of neighbouring voxels along each axis.
        affine: from voxel numbers to millimetres, [4, 4]; None when the file does not place its voxels.
        sha256: SHA-256 of the file.
    """

    voxels: np.ndarray
    spacing_mm: tuple[float, float, float]
    affine: np.ndarray | None
    sha256: str


def read(path: Path, *, canonical: bool = False) -> Volume:
    """Reads a file whose header was found sound first, so that no size is believed before it is checked.

    Args:
        path: a `.nii` or `.nii.gz` file.
        canonical: whether axes are exchanged and turned so that they run to the right, front and top.

    Raises:
        Fault: the file is missing, damaged, has other than three dimensions, a wrong size or spacing,
            or values that are not finite.
    """
    if not path.is_file():
        raise Fault("is missing")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    image = _open(path)
    _check_header(path, image)
    placed = bool(image.header["qform_code"] or image.header["sform_code"])
    if canonical and placed:
        image = nibabel.as_closest_canonical(image)
    try:
        voxels = np.asarray(image.dataobj, np.float64)
    except Exception as error:  # gzip, zlib and nibabel each have errors of their own
        raise Fault(f"is damaged ({_words(error)})") from error
    if not np.isfinite(voxels).all():
        raise Fault("has values that are not finite")
    spacing = tuple(float(s) for s in image.header.get_zooms()[:3])
    return Volume(voxels, spacing, np.array(image.affine) if placed else None, digest)  # type: ignore[arg-type]


def mask(path: Path, classes: int, *, canonical: bool = False) -> Volume:
    """Reads a mask of classes 0 .. classes - 1; its voxels are uint8.

    Raises:
        Fault: as `read`, or a value is no class.
    """
    found = read(path, canonical=canonical)
    strange = np.setdiff1d(found.voxels, np.arange(classes))
    if strange.size:
        values = ", ".join(f"{value:g}" for value in strange[:5])
        raise Fault(f"has the values {values}, allowed are 0 to {classes - 1}")
    return dataclasses.replace(found, voxels=found.voxels.astype(np.uint8))


def check_aligned(image: Volume, mask: Volume) -> None:
    """Checks that a mask lies on its image.

    Two volumes are compared by what both files say: size and spacing always, place and direction when
    both have them. A hundredth of a millimetre is far below any voxel and above float32 rounding.

    Raises:
        Fault: it does not.
    """
    if image.voxels.shape != mask.voxels.shape:
        raise Fault(f"has {_by(mask.voxels.shape)} voxels, its image {_by(image.voxels.shape)}")
    if not np.allclose(image.spacing_mm, mask.spacing_mm, rtol=0, atol=0.01):
        raise Fault(f"has voxels of {_by(mask.spacing_mm)} mm, its image of {_by(image.spacing_mm)} mm")
    if image.affine is not None and mask.affine is not None:
        corners = np.array([[0, 0, 0, 1], [*(n - 1 for n in image.voxels.shape), 1]])
        apart = float(np.abs((image.affine - mask.affine) @ corners.T).max())
        turned = float(np.abs(image.affine[:3, :3] - mask.affine[:3, :3]).max())
        if apart > 0.5 * min(image.spacing_mm) or turned > 0.01:
            raise Fault(f"lies up to {apart:.3g} mm off its image, or is turned against it")


def _open(path: Path) -> Any:
    try:
        image = nibabel.load(path)
    except Exception as error:  # whatever a file of unknown origin makes nibabel raise
        raise Fault(f"is not a NIfTI file that can be read ({_words(error)})") from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise Fault(f"is a {type(image).__name__}, not a NIfTI file")
    return image


def _check_header(path: Path, image: Any) -> None:
    shape = tuple(map(int, image.shape))
    if len(shape) != 3:
        raise Fault(f"has {len(shape)} dimensions ({_by(shape)}), not 3")
    if not all(1 <= side <= LONGEST_SIDE for side in shape) or int(np.prod(shape, dtype=object)) > MOST_VOXELS:
        raise Fault(
            f"says that it has {_by(shape)} voxels, allowed are sides of {LONGEST_SIDE} and {MOST_VOXELS:,} in all"
        )
    if image.get_data_dtype().kind not in "iuf":
        raise Fault(f"holds {image.get_data_dtype()}, not plain numbers")
    spacing = _stated_spacing(path)
    if not all(0.01 <= float(s) <= 100 for s in spacing):
        raise Fault(f"says that its voxels have {_by(spacing)} mm, allowed are 0.01 to 100")


def _stated_spacing(path: Path) -> tuple[float, ...]:
    """Returns the size of the voxels as the file has it; nibabel makes 1 mm of 0 without a word."""
    with nibabel.openers.Opener(str(path)) as file:
        header = nibabel.Nifti1Header.from_fileobj(file, check=False)
    return tuple(float(s) for s in header["pixdim"][1:4])


def _by(numbers: Any) -> str:
    return " x ".join(f"{float(n):g}" for n in numbers)


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:120].rstrip(".")
