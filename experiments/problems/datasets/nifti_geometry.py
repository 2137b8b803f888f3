"""Where the header of a NIfTI file places its voxels, in millimetres; a header that contradicts itself is refused.

Distances in millimetres rest on this, and which side is the patient's right. Of two places that a header
gives, none is known to be the right one, so that it is not for us to choose.

| the header says | decision |
|---|---|
| xyzt_units millimetre, with any unit of time | taken |
| xyzt_units unknown (0) | taken as millimetres, as nibabel writes it; named in a remark |
| xyzt_units metre or micron | converted to millimetres, which is exact; named in a remark |
| another unit of length | refused |
| NaN or infinity in pixdim[0..3], quatern, qoffset or srow, whatever the codes | refused |
| a voxel of 0, of negative size, or outside 0.01 to 100 mm | refused |
| qform_code or sform_code outside 0 to 5 | refused |
| sform and qform, at most half of the smallest voxel apart in every corner, directions alike | taken: sform |
| sform and qform further apart | refused |
| one of them alone | taken |
| neither | spacing taken, place unknown; named in a remark |
| axes of the sform not independent (no volume) | refused |
| axes of the sform not at right angles (cosine above 0.01) | refused: distances would need the shear |
| voxels of the sform as pixdim, within 0.01 mm and 1 % | taken: pixdim |
| voxels of the sform other than pixdim | refused |
| quaternion longer than 1, or pixdim[0] not -1, 0 or 1, with a qform_code | refused |
| the mask on its image: same voxels, spacing within 0.01 mm and 1 %, corners and directions as above | taken |
| the mask elsewhere, or turned | refused |
| only one of image and mask placed, where axes are turned to the patient's | refused: they could be turned apart |
| only one of them placed, where axes stay as they are | taken; named in a remark |
"""

import dataclasses
import itertools
from typing import Any

import numpy as np

from experiments.problems.datasets.nifti_file import Fault, by

UNITS = {0: ("no unit", 1.0), 1: ("metres", 1_000.0), 2: ("millimetres", 1.0), 3: ("microns", 0.001)}
CODES = range(6)
NUMBERS = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")
RANGE_MM = (0.01, 100.0)
COSINE = 0.01  # a slant of 0.6 degrees changes distances by less than 1 %
SPACING = 0.01  # mm, and share of the voxel: above any rounding in a header, below what distances show
CORNER = 0.5  # of the smallest voxel: nearest voxels stay the same
TURN = 0.01  # mm a voxel
AGAIN = "write the header again"


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Size and place of voxels."""

    spacing_mm: tuple[float, float, float]  # distance of neighbouring voxels along each axis
    affine: np.ndarray | None  # from voxel numbers to millimetres, [4, 4]; None when the file does not place its voxels
    remarks: tuple[str, ...]  # what was assumed or converted, in words that a number of files follows


def geometry(header: Any) -> Geometry:
    """Returns what a header says of the voxels' size and place; raises Fault if it cannot be, or contradicts itself."""
    if faults := _field_faults(header):
        raise Fault(*faults)
    unit, factor = UNITS[_unit(header)]
    spacing = np.array([float(f"{s:.7g}") for s in header["pixdim"][1:4]]) * factor  # digits that float32 has
    if not all(RANGE_MM[0] <= s <= RANGE_MM[1] for s in spacing):
        stated = "" if factor == 1 else f" (its pixdim are in {unit}, xyzt_units {int(header['xyzt_units'])})"
        raise Fault(f"says that its voxels have {by(spacing)} mm{stated}, allowed are 0.01 to 100")
    forms = _forms(header, factor)
    if faults := _form_faults(forms, spacing, tuple(map(int, header["dim"][1:4]))):
        raise Fault(*faults)
    affine = next(iter(forms.values()), None)
    return Geometry(tuple(map(float, spacing)), affine, _remarks(header, placed=bool(forms)))  # type: ignore[arg-type]


def same_spacing(first: Any, second: Any) -> bool:
    """Returns whether two spacings, in mm, are one."""
    first, second = np.asarray(first), np.asarray(second)
    return bool((np.abs(first - second) <= SPACING * np.minimum(1, np.minimum(first, second))).all())


def apart(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> tuple[float, bool]:
    """Returns how far two affines put a corner apart, mm, and whether that, or the turn, is too much."""
    corners = np.array([[*corner, 1] for corner in itertools.product(*((0, n - 1) for n in shape))])
    away = float(np.linalg.norm((first - second)[:3] @ corners.T, axis=0).max())
    smallest = float(np.linalg.norm(first[:3, :3], axis=0).min())
    turned = float(np.abs(first[:3, :3] - second[:3, :3]).max())
    return away, away > CORNER * smallest or turned > TURN


def _field_faults(header: Any) -> list[str]:
    """Returns the faults of single fields."""
    found = []
    odd = [name for name in NUMBERS if not np.isfinite(header[name]).all()]
    odd += [f"pixdim[{n}]" for n in range(4) if not np.isfinite(header["pixdim"][n])]
    if odd:
        found.append(f"has numbers that are not finite in its header ({', '.join(odd)}); {AGAIN}")
    if _unit(header) not in UNITS:
        found.append(f"has xyzt_units {int(header['xyzt_units'])}, no unit of length that NIfTI knows; 2 is mm")
    found += [
        f"has {name} {int(header[name])}, allowed are {CODES.start} to {CODES.stop - 1}"
        for name in ("qform_code", "sform_code")
        if int(header[name]) not in CODES
    ]
    if not odd and int(header["qform_code"]) > 0:
        found += _quaternion_faults(header)
    return found


def _quaternion_faults(header: Any) -> list[str]:
    length = float(np.linalg.norm([float(header[f"quatern_{letter}"]) for letter in "bcd"]))
    found = [f"has a qform whose quaternion has length {length:.6g}, allowed is at most 1"] * (length > 1 + 1e-5)
    if (side := float(header["pixdim"][0])) not in (-1, 0, 1):
        found.append(f"has a qform with pixdim[0] {side:g}, allowed are -1 and 1")
    return found


def _unit(header: Any) -> int:
    return int(header["xyzt_units"]) & 7  # the other bits are the unit of time


def _forms(header: Any, factor: float) -> dict[str, np.ndarray]:
    """Returns the affines that the header gives, in mm, that of the sform first."""
    whole = header.copy()
    whole["pixdim"][0] = whole["pixdim"][0] or 1
    found = {}
    if int(header["sform_code"]):
        found["sform"] = np.array(whole.get_sform(), np.float64)
    if int(header["qform_code"]):
        # the fourth part of the quaternion is 0 where rounding made the others longer than 1
        whole.quaternion_threshold = -1e-4
        found["qform"] = np.array(whole.get_qform(), np.float64)
    for affine in found.values():
        affine[:3] *= factor
    return found


def _form_faults(forms: dict[str, np.ndarray], spacing: np.ndarray, shape: tuple[int, ...]) -> list[str]:
    if "sform" not in forms:
        return []
    axes = forms["sform"][:3, :3]
    sizes = np.linalg.norm(axes, axis=0)
    if abs(np.linalg.det(axes)) <= 1e-3 * np.prod(sizes):  # a thousandth of the volume that right angles give
        return [f"has a singular sform: its axes span no volume; {AGAIN}"]
    found = []
    if not same_spacing(sizes, spacing):
        found.append(f"contradicts itself: voxels of {by(spacing)} mm by pixdim, of {by(sizes)} mm by sform; {AGAIN}")
    cosine = float(np.abs((axes / sizes).T @ (axes / sizes) - np.eye(3)).max())
    if cosine > COSINE:
        found.append(
            f"has a sform whose axes are {np.degrees(np.arccos(cosine)):.3g} degrees apart, not 90; resample it"
        )
    if "qform" in forms:
        away, wrong = apart(forms["sform"], forms["qform"], shape)
        if wrong:
            found.append(f"contradicts itself: sform and qform are up to {away:.3g} mm apart; {AGAIN}")
    return found


def _remarks(header: Any, *, placed: bool) -> tuple[str, ...]:
    unit, factor = UNITS[_unit(header)]
    found = []
    if unit == "no unit":
        found.append("no unit of length (xyzt_units), taken as mm")
    if factor != 1:
        found.append(f"lengths in {unit} (xyzt_units), converted to mm")
    if not placed:
        found.append("no place of the voxels (neither sform nor qform), sides of the patient unknown")
    return tuple(found)
