"""What is done to volumes before training, in NumPy and SciPy; every step has its reason in a paper.

Images are volumes [x, y, z] whose slices lie along the third axis.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

LANDMARKS = np.linspace(0, 100, 101)


def to_unit(volume: np.ndarray, low: float = 0.5, high: float = 99.5) -> np.ndarray:
    """Returns a volume with two of its percentiles at 0 and 1, clipped there, float64; one of a single value becomes 0.

    Of the whole volume, never of a slice or a row: the same tissue keeps the same value in all slices.
    """
    bottom, top = np.percentile(volume, [low, high])
    scaled: np.ndarray = np.clip((volume - bottom) / max(top - bottom, 1e-12), 0, 1)
    return scaled


def resize(volume: np.ndarray, sides: tuple[int, int], order: int) -> np.ndarray:
    """Returns a volume whose slices have other sides, by B-splines of an order; 0 takes the nearest voxel.

    Pixels are areas, not points: the outer edges of the slice stay where they are.
    """
    factors = (sides[0] / volume.shape[0], sides[1] / volume.shape[1], 1)
    found: np.ndarray = ndimage.zoom(volume, factors, order=order, mode="nearest", grid_mode=True)
    return found


def fit(volume: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Returns a volume whose slices are cut or padded with 0, about their middle, to other sides."""
    for axis, side in enumerate(sides):
        extra = side - volume.shape[axis]
        before = abs(extra) // 2
        if extra < 0:
            volume = np.take(volume, range(before, before + side), axis=axis)
        else:
            pads = [(0, 0)] * volume.ndim
            pads[axis] = (before, extra - before)
            volume = np.pad(volume, pads)
    return volume


def diffuse(volume: np.ndarray, steps: int = 5, edge: float = 0.1, rate: float = 0.2) -> np.ndarray:
    """Returns a volume of intensities about 0 .. 1 smoothed within its slices, but not across edges.

    Perona & Malik (1990), equation 7 with the conductance exp(-(difference / edge)^2). A step in time is stable with a
    `rate` of at most 0.25.
    """
    for _ in range(steps):
        change = np.zeros_like(volume)
        for axis in (0, 1):
            slope = np.diff(volume, axis=axis)
            flow = slope * np.exp(-((slope / edge) ** 2))
            ends = [(0, 0)] * volume.ndim
            ends[axis] = (1, 1)
            change += np.diff(np.pad(flow, ends), axis=axis)
        volume = volume + rate * change
    return volume


def landmarks(volume: np.ndarray) -> np.ndarray:
    """Returns the percentiles 0, 1, ... 100 of a volume."""
    found: np.ndarray = np.percentile(volume, LANDMARKS)
    return found


def standard(found: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the landmarks that volumes are matched to: the mean of those of the training volumes."""
    middle: np.ndarray = np.mean(found, axis=0)
    return middle


def match(volume: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Returns a volume whose histogram is the target's, by its landmarks (Nyúl, Udupa & Zhang, 2000)."""
    own, place = np.unique(landmarks(volume), return_index=True)
    matched: np.ndarray = np.interp(volume, own, target[place])
    return matched


def grey_levels(volume: np.ndarray) -> np.ndarray:
    """Returns intensities 0 .. 1 as uint8."""
    levels: np.ndarray = np.clip(np.rint(255 * volume), 0, 255).astype(np.uint8)
    return levels


def upright(volume: np.ndarray) -> np.ndarray:
    """Returns a volume [right, anterior, superior] as slices [superior, row, column] in the radiological view.

    The first row is anterior, the first column is the patient's right.
    """
    return np.ascontiguousarray(volume[::-1, ::-1].transpose(2, 1, 0))
