"""Small masks, and distances between their boundaries by comparing every pair of points."""

import itertools
import math

import numpy as np

CLASSES = ("background", "structure")


def mask(shape, *corners):
    """A label map with 1 inside boxes, each given as one (start, stop) an axis."""
    labels = np.zeros(shape, int)
    for corner in corners:
        labels[tuple(slice(*edges) for edges in corner)] = 1
    return labels


def square(rows=(4, 12), columns=(4, 12)):
    """A 32 x 32 label map with one rectangle, 8 x 8 unless told."""
    return mask((32, 32), (rows, columns))


def random_masks(seed, shape, share):
    """Two label maps, truth and prediction, of salt and pepper."""
    return (np.random.default_rng(seed).random((2, *shape)) < share).astype(int)


def boundary_points(labels):
    """Every pixel of a mask with a face neighbour that is not in it, looked up one by one."""
    inside = {tuple(map(int, index)) for index in np.argwhere(labels)}
    steps = [tuple(s * (i == axis) for i in range(labels.ndim)) for axis in range(labels.ndim) for s in (-1, 1)]
    return [p for p in sorted(inside) if any(tuple(map(sum, zip(p, s, strict=True))) not in inside for s in steps)]


def directed(truth, prediction, spacing):
    """The distances from every boundary point to the nearest of the other mask, both ways."""

    def nearest(ones, others):
        scaled = [[[x * s for x, s in zip(p, spacing, strict=True)] for p in points] for points in (ones, others)]
        return [min(math.dist(p, q) for q in scaled[1]) for p in scaled[0]]

    ones, others = boundary_points(truth), boundary_points(prediction)
    return nearest(ones, others), nearest(others, ones)


def percentile(values, share):
    """A percentile, linearly interpolated between the sorted values."""
    ordered, place = sorted(values), (len(values) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def tally(truth, prediction):
    """TP, FP, FN and TN by looking at one pixel after the other."""
    pairs = list(zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True))
    return tuple(pairs.count(pair) for pair in ((1, 1), (0, 1), (1, 0), (0, 0)))


def rand_of_pairs(truth, prediction):
    """TP, FP, FN and TN of the pairs of pixels: together or apart in the truth, and in the prediction."""
    pixels = list(zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True))
    together = [(a[0] == b[0], a[1] == b[1]) for a, b in itertools.combinations(pixels, 2)]
    return tuple(together.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False)))
