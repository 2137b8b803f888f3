"""From the bytes of a NIfTI file to its header and stored numbers: nothing is believed or allocated unchecked.

A file is read once. What the checks saw is therefore what is used, whatever happens to the file meanwhile.

| the file | decision |
|---|---|
| NIfTI-1 or NIfTI-2 in one file (`n+1`, `n+2`), of either byte order | taken |
| missing, empty, a folder, a pipe, a link to nowhere, not readable | refused |
| header or voxels cut short, checksum of gzip wrong, gzip data damaged | refused |
| compressed but not named .gz, or named .gz and not compressed | refused: rename it |
| another format, ANALYZE, one half of a pair .hdr and .img | refused |
| other than 3 dimensions, a side outside 1 to 2,048, more than 512^3 voxels | refused before anything is allocated |
| integers of 8 to 64 bits, float32, float64 | taken |
| colours, complex numbers, single bits, float128 | refused |
| scl_slope 0 and scl_inter 0 | taken without scaling, as the standard says |
| scl_slope or scl_inter not finite, or an intercept with slope 0 | refused |
| bytes of value 0 behind the voxels | taken: padding |
| other bytes behind the voxels | refused: the header does not speak of all voxels |
"""

import dataclasses
import gzip
import hashlib
import io
import math
import stat
import zlib
from pathlib import Path
from typing import Any

import nibabel as typed_in_part
import numpy as np

nibabel: Any = typed_in_part  # half of its functions have types

MOST_VOXELS = 512 * 512 * 512
LONGEST_SIDE = 2_048
MOST_BYTES = 8 * MOST_VOXELS + 2**20
MOST_GZIP_RATIO = 1_100  # deflate cannot do better than 1,032
LATEST_START = 2**24  # voxels begin behind header and extensions; 16 MiB of those is more than anyone writes
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
REFUSED_TYPES = {1: "single bits", 32: "complex64", 128: "RGB colours", 1536: "float128", 1792: "complex128"}
REFUSED_TYPES |= {2048: "complex256", 2304: "RGBA colours"}
COPY = "copy or download it again"


class Fault(Exception):
    """What is wrong with a file, each fault in words that follow its name."""

    def __init__(self, *words: str) -> None:
        """Keeps the faults one by one; as text they are one line."""
        super().__init__("; ".join(words))
        self.words = words


@dataclasses.dataclass(frozen=True)
class Content:
    """What a file holds."""

    header: Any  # nibabel's, with the fields as they are in the file
    stored: np.ndarray  # the numbers in the file, before they are scaled, [x, y, z]
    slope: float  # what stored numbers are multiplied with
    inter: float  # what is then added
    sha256: str  # SHA-256 of the file

    @property
    def scaled(self) -> bool:
        """Whether values differ from the stored numbers."""
        return (self.slope, self.inter) != (1, 0)


def load(path: Path) -> Content:
    """Reads a `.nii` or `.nii.gz` file; raises Fault if it cannot be read, or is not what the table above takes."""
    raw = _bytes(path)
    try:
        with _opened(path, raw) as file:
            header = _header(file)
            if faults := [*_layout_faults(header), *_scaling_faults(header)]:
                raise Fault(*faults)
            stored = _stored(file, header, len(raw))
    except EOFError as error:
        raise Fault(f"is cut short, its compressed data end too early; {COPY}") from error
    except (OSError, zlib.error) as error:
        raise Fault(f"is damaged ({_words(error)}); {COPY}") from error
    slope, inter = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    return Content(header, stored, *((slope, inter) if slope else (1.0, 0.0)), hashlib.sha256(raw).hexdigest())


def by(numbers: Any) -> str:
    """Returns numbers in the form `3 x 4 x 5`."""
    return " x ".join(f"{float(n):g}" for n in numbers)


def _bytes(path: Path) -> bytes:
    """Returns the content of a regular file of a size that can be."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise Fault("is a folder, not a file; move the file in it up")
        if not stat.S_ISREG(kind):  # to open a pipe would wait for ever
            raise Fault("is no regular file")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise Fault(f"is a link to {path.readlink()}, which does not exist") from error
        raise Fault("is missing") from error
    except OSError as error:
        raise Fault(f"cannot be read ({error.strerror or _words(error)})") from error
    if not raw:
        raise Fault(f"is empty; {COPY}")
    if len(raw) > MOST_BYTES:
        raise Fault(f"has more than {MOST_BYTES:,} bytes, more than a volume of {MOST_VOXELS:,} voxels takes")
    return raw


def _opened(path: Path, raw: bytes) -> io.BufferedIOBase:
    packed, named = raw[:2] == b"\x1f\x8b", path.name.endswith(".gz")
    if packed and not named:
        raise Fault("is compressed by gzip, but not named .nii.gz; rename it")
    if named and not packed:
        plain = any(raw[:4] == size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
        raise Fault(
            "is named .gz, but is not compressed; rename it to .nii"
            if plain
            else f"is not a NIfTI file: it is named .gz, but is not compressed by gzip; {COPY}"
        )
    return gzip.open(io.BytesIO(raw)) if packed else io.BytesIO(raw)


def _header(file: io.BufferedIOBase) -> Any:
    """Returns the header, with the fields as they are in the file, and leaves the file behind it."""
    start = file.read(348)
    sizes: dict[bytes, tuple[int, str]] = {n.to_bytes(4, "little"): (n, "<") for n in (348, 540)}
    sizes |= {n.to_bytes(4, "big"): (n, ">") for n in (348, 540)}
    if start[:4] not in sizes:
        raise Fault(f"is not a NIfTI file: it does not begin with the header's size, 348 or 540; {COPY}")
    size, order = sizes[start[:4]]
    start += file.read(size - 348) if len(start) == 348 else b""
    if len(start) < size:
        raise Fault(f"is cut short: it ends after {len(start)} of the {size} bytes of its header; {COPY}")
    kind, magic = (nibabel.Nifti1Header, b"n+1") if size == 348 else (nibabel.Nifti2Header, b"n+2")
    header = kind(start, order, check=False)
    found = header["magic"].item()
    if found in (b"ni1", b"ni2"):
        raise Fault("is one half of a pair .hdr and .img; convert the pair to one .nii.gz file")
    if found != magic:
        raise Fault(f"is not a NIfTI file: its magic is {found!r}, not {magic!r}")
    return header


def _layout_faults(header: Any) -> list[str]:
    """Returns what forbids to look for the voxels."""
    found = []
    dimensions, *sides = map(int, header["dim"])
    if not 1 <= dimensions <= 7:
        found.append(f"says that it has {dimensions} dimensions (dim[0]), NIfTI knows 1 to 7")
    elif dimensions != 3:
        hint = "; store one volume of it" if dimensions > 3 else ""
        found.append(f"has {dimensions} dimensions ({by(sides[:dimensions])}), not 3{hint}")
    elif not all(1 <= side <= LONGEST_SIDE for side in sides[:3]) or math.prod(sides[:3]) > MOST_VOXELS:
        found.append(
            f"says that it has {by(sides[:3])} voxels, allowed are sides of 1 to {LONGEST_SIDE} "
            f"and {MOST_VOXELS:,} in all"
        )
    if (code := int(header["datatype"])) not in TYPES:
        name = REFUSED_TYPES.get(code, "a data type that NIfTI does not know")
        found.append(f"holds {name} (datatype {code}), not integers, float32 or float64")
    offset, least = float(header["vox_offset"]), len(header.binaryblock) + 4
    if not (offset.is_integer() and least <= offset <= LATEST_START):
        found.append(
            f"says that its voxels begin at byte {offset:g} (vox_offset), allowed are {least} to {LATEST_START}"
        )
    return found


def _scaling_faults(header: Any) -> list[str]:
    slope, inter = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    if math.isfinite(slope) and math.isfinite(inter) and (slope or not inter):
        return []
    given = f"scl_slope {slope:g} and scl_inter {inter:g}"
    return [f"says that its values are scaled by {given}; without scaling they are 1 and 0"]


def _stored(file: io.BufferedIOBase, header: Any, raw: int) -> np.ndarray:
    """Returns the stored numbers and reads to the end of the file, where gzip has its checksum."""
    shape = tuple(map(int, header["dim"][1:4]))
    dtype = np.dtype(header.endianness + TYPES[int(header["datatype"])])
    size, start = math.prod(shape) * dtype.itemsize, int(header["vox_offset"])
    most = raw * (MOST_GZIP_RATIO if isinstance(file, gzip.GzipFile) else 1)
    if start + size > most:  # seen before room is made for it
        raise Fault(f"is cut short: {size:,} bytes of voxels do not fit in it; {COPY}")
    file.read(start - len(header.binaryblock))
    data = file.read(size)
    if len(data) < size:
        raise Fault(f"is cut short: it has {len(data):,} of {size:,} bytes of voxels; {COPY}")
    while rest := file.read(2**20):
        if any(rest):
            raise Fault(f"holds more than the {by(shape)} voxels that its header speaks of")
    return np.frombuffer(data, dtype).reshape(shape, order="F")


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:120].rstrip(".")
