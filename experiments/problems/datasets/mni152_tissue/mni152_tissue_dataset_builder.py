"""The builder of `mni152_tissue`, in the form of tensorflow-datasets, and its simulated scanner.

The scanner has a resolution, a bias field and Rician noise, the same to the last bit everywhere: draws come from
Philox, whose raw stream NumPy keeps, by the formulas below and not by NumPy's own distributions, which may change
between releases. All is float64 and rounded to uint8 once, at the end.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import nibabel
import numpy as np
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets import examples, preprocessing
from experiments.problems.datasets.cards import packaged

CLASSES = ("background", "grey matter", "white matter")
SHA256 = {
    "t1": "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
    "gm": "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed",
    "wm": "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
}
# What remains of 197 x 233 voxels: the whole brain, on sides that halve five times.
WINDOW = (slice(2, 194), slice(5, 229))
WHITE = 192  # grey level of intensity 1: the bias field and noise rarely reach 255 / 192
_WAVES = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (2, 0, 0), (0, 2, 0)]
_DESCRIPTION = """\
Axial slices of the MNI-ICBM152 (2009a, symmetric) T1 template at 2 mm, with background, grey matter and
white matter, from the tissue maps that ship in the package nilearn. It is ONE averaged brain, so that
results do not generalise to other brains; it equals its mirror image, so that mirroring adds nothing. The
splits are slabs of 1 mm slices with ten slices left out between them. How hard it is is set by Rician
noise (standard deviation as a share of the brightest tissue), by a bias field (its whole range) and by
the size of the pixels; all draws are fixed.
"""
_CITATION = """\
@article{fonov2011unbiased,
  title={Unbiased average age-appropriate atlases for pediatric studies},
  author={Fonov, Vladimir and Evans, Alan C. and Botteron, Kelly and Almli, C. Robert and McKinstry, Robert C.
    and Collins, D. Louis}, journal={NeuroImage}, volume={54}, number={1}, pages={313--327}, year={2011}
}
"""


@dataclasses.dataclass(eq=False)
class Scan(tfds.core.BuilderConfig):
    """How the template is seen."""

    noise: float = 0.0  # standard deviation of the Rician noise; the brightest tissue is 1
    bias: float = 0.0  # range of the bias field around 1
    pixel_mm: int = 2  # side of a pixel, 1, 2 or 4 mm; slices are 1 mm apart


class Builder(tfds.core.GeneratorBasedBuilder):
    """102 slices of 112 x 96 pixels, seen with more or less noise."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The template of nilearn 0.14.1."}
    BUILDER_CONFIGS: ClassVar[list[Scan]] = [
        Scan(name="noise06", description="Rician noise 0.06, bias field 0.4.", noise=0.06, bias=0.4),
        Scan(name="clean", description="Neither noise nor bias field."),
        Scan(name="noise12", description="Rician noise 0.12, bias field 0.4.", noise=0.12, bias=0.4),
    ]

    def _info(self) -> Any:
        pixel = self.builder_config.pixel_mm
        across, along = ((part.stop - part.start) // pixel for part in WINDOW)
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=examples.features((along, across), CLASSES),
            supervised_keys=("image", "segmentation_mask"),
            homepage="https://nist.mni.mcgill.ca/icbm-152-nonlinear-atlases-2009/",
            citation=_CITATION,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        images, masks = look(read(), self.builder_config)
        rows = datasets.indices(datasets.CARDS["mni152_tissue/noise06"], datasets.SPLITS)
        return {split: self._generate_examples(images, masks, rows[split]) for split in rows}

    def _generate_examples(
        self, images: np.ndarray, masks: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        pixel = float(self.builder_config.pixel_mm)
        for row in map(int, rows):
            yield row, examples.example(images[row], masks[row], f"z{row:03d}", row, (pixel, pixel, 1.0))


def look(volumes: dict[str, np.ndarray], scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Returns the scans, uint8 [z, row, column], and the labels 0, 1, 2 in the same shape.

    A label is 1 where grey matter has more than half of a pixel and at least as much as white matter, 2
    where white matter has more than half and more than grey. Both maps are averaged over the pixel first,
    as the image is, so that image and label have the same pixels. The nose is up, the right is on the left.
    """
    t1, grey, white = (preprocessing.upright(coarser(volumes[k][WINDOW], scan.pixel_mm)) for k in ("t1", "gm", "wm"))
    masks = np.zeros(t1.shape, np.uint8)
    masks[(grey > 127) & (grey >= white)] = 1
    masks[(white > 127) & (white > grey)] = 2
    field = bias_field(t1.shape, scan.bias, "mni152_tissue|bias")
    noisy = [rician(signal, scan.noise, f"mni152_tissue|noise|{z}") for z, signal in enumerate(field * t1 / 255)]
    return rounded(np.stack(noisy)), masks


def read() -> dict[str, np.ndarray]:
    """Returns the template and its tissue maps, uint8 [197, 233, 189], by the names of SHA256."""
    files: dict[str, Any] = {name: nibabel.load(path) for name, path in sources().items()}
    return {name: np.asarray(file.dataobj) for name, file in files.items()}


def sources() -> dict[str, Path]:
    """Returns the files inside the installed nilearn, found without importing it; refuses other files."""
    files = {f"datasets/data/mni_icbm152_{n}_tal_nlin_sym_09a_converted.nii.gz": sha for n, sha in SHA256.items()}
    return dict(zip(SHA256, packaged("mni152_tissue", "nilearn", "0.14.1", files), strict=True))


def uniform(purpose: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns numbers in [0, 1) that depend on nothing but their purpose and number."""
    key = np.frombuffer(hashlib.sha256(purpose.encode()).digest()[:16], dtype="<u8")
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    found: np.ndarray = (raw >> np.uint64(11)).reshape(shape) * 2.0**-53
    return found


def coarser(volume: np.ndarray, factor: int) -> np.ndarray:
    """Returns the means over blocks of factor x factor voxels in the first two dimensions, float64."""
    x, y, z = volume.shape
    blocks = volume.reshape(x // factor, factor, y // factor, factor, z)
    means: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float64)
    return means


def bias_field(shape: tuple[int, int, int], strength: float, purpose: str) -> np.ndarray:
    """Returns a smooth field, [x, y, z], that runs from 1 - strength / 2 to 1 + strength / 2.

    The convention of BrainWeb, whose "40 %" field runs from 0.8 to 1.2: a sum of a few cosine waves
    of at most one period over the volume.
    """
    draws = uniform(purpose, (len(_WAVES), 2))
    axes = np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij", sparse=True)
    field = np.zeros(shape)
    for (height, phase), wave in zip(draws, _WAVES, strict=True):
        angle = np.pi * sum(k * axis for k, axis in zip(wave, axes, strict=True))
        field = field + (2 * height - 1) * np.cos(angle + 2 * np.pi * phase)
    low, high = field.min(), field.max()
    found: np.ndarray = 1 + strength * ((field - low) / (high - low) - 0.5)
    return found


def rician(signal: np.ndarray, noise: float, purpose: str) -> np.ndarray:
    """Returns the magnitude of a signal with complex Gaussian noise of standard deviation `noise` in each part.

    By Box and Muller: the complex noise has length noise * sqrt(-2 ln u) and a uniform angle.
    """
    first, second = uniform(purpose, (2, *signal.shape))
    length = noise * np.sqrt(-2 * np.log(1 - first))
    angle = 2 * np.pi * second
    found: np.ndarray = np.hypot(signal + length * np.cos(angle), length * np.sin(angle))
    return found


def rounded(signal: np.ndarray) -> np.ndarray:
    """Returns a signal, about 0 .. 1.3, as uint8 grey levels."""
    levels: np.ndarray = np.clip(np.rint(WHITE * signal), 0, 255).astype(np.uint8)
    return levels
