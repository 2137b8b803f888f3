"""A simulated scanner: resolution, bias field and Rician noise, the same to the last bit everywhere.

Draws come from Philox, a counter-based generator whose raw stream NumPy promises to keep, turned
into numbers by the formulas below and not by NumPy's own laws, which may change between releases.
All is float64 and rounded to uint8 once, at the end.
"""

from __future__ import annotations

import hashlib

import numpy as np

WHITE = 192  # grey level of intensity 1: the bias field and noise rarely reach 255 / 192
_WAVES = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (2, 0, 0), (0, 2, 0)]


def uniform(purpose: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns numbers in [0, 1) that depend on nothing but their purpose and number."""
    key = np.frombuffer(hashlib.sha256(purpose.encode()).digest()[:16], dtype="<u8")
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    found: np.ndarray = (raw >> np.uint64(11)).reshape(shape) * 2.0**-53
    return found


def coarser(volume: np.ndarray, factor: int) -> np.ndarray:
    """Returns the means over blocks of factor x factor voxels in the first two dimensions, float64.

    What a scanner with larger voxels sees. `factor` divides both sides.
    """
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


def grey_levels(signal: np.ndarray) -> np.ndarray:
    """Returns a signal, about 0 .. 1.3, as uint8 grey levels."""
    levels: np.ndarray = np.clip(np.rint(WHITE * signal), 0, 255).astype(np.uint8)
    return levels
