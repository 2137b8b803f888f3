"""Faults of what is to be measured, told in one sentence each before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.problems.metrics.overlap import Labels


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of the classes in the order of their labels, the background first."""
    names = () if isinstance(classes, str) else tuple(classes)
    if len(names) < 2 or len(set(names)) < len(names) or not all(isinstance(n, str) and n for n in names):
        raise ValueError(
            "classes must name at least two classes, each once, in the order of their labels, the background first, "
            f"such as ('background', 'left atrium'), got {classes!r}."
        )
    return names


def label_maps(truth: Any, prediction: Any, classes: int) -> tuple[Labels, Labels]:
    """Returns two label maps as integers, of one shape, 2-D or 3-D, with labels from 0 below `classes`."""
    one, other = np.asarray(truth), np.asarray(prediction)
    if one.shape != other.shape:
        hint = "; of class scores take np.argmax(prediction, axis=-1) first" if one.shape == other.shape[:-1] else ""
        raise ValueError(f"truth and prediction must have one shape, got {one.shape} and {other.shape}{hint}.")
    if one.ndim not in (2, 3) or one.size == 0:
        raise ValueError(
            f"truth and prediction must be 2-D or 3-D images with at least one pixel, got shape {one.shape}; measure "
            "the cases of a batch one by one, without an axis of channels."
        )
    return _labels("truth", one, classes), _labels("prediction", other, classes)


def spacing(spacing_mm: Any, axes: int) -> tuple[float, ...]:
    """Returns the spacing of the pixels along each axis, in mm."""
    sizes = tuple(spacing_mm) if isinstance(spacing_mm, Sequence | np.ndarray) else ()
    if isinstance(spacing_mm, str) or len(sizes) != axes or not all(_is_number(s) and 0 < s < math.inf for s in sizes):
        ones = ", ".join(["1"] * axes)
        raise ValueError(
            f"spacing_mm must be {axes} finite numbers above 0, the size of a pixel in mm along each axis, "
            f"got {spacing_mm!r}; to measure in pixels, write ({ones})."
        )
    return tuple(map(float, sizes))


def tolerance(tolerance_mm: Any) -> float:
    """Returns the tolerance of the surface Dice in mm."""
    if not _is_number(tolerance_mm) or not 0 <= tolerance_mm < math.inf:
        raise ValueError(f"tolerance_mm must be a finite number of mm, at least 0, got {tolerance_mm!r}.")
    return float(tolerance_mm)


def class_scores(probabilities: Any, shape: tuple[int, ...], classes: int) -> npt.NDArray[np.float64] | None:
    """Returns probabilities of the shape (*image, classes), or None for None."""
    if probabilities is None:
        return None
    scores = np.asarray(probabilities, float)
    if scores.shape != (*shape, classes):
        raise ValueError(f"probabilities must have the shape {(*shape, classes)}, classes last, got {scores.shape}.")
    if wrong := int((~np.isfinite(scores)).sum()):
        raise ValueError(f"probabilities must be from 0 to 1, got NaN or infinity {wrong} times among {scores.size}.")
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"probabilities must be from 0 to 1, got values from {scores.min():g} to {scores.max():g}; "
            "of logits take the softmax first."
        )
    return scores


def _labels(name: str, values: npt.NDArray[Any], classes: int) -> Labels:
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an image of numbers, got the dtype {values.dtype}.")
    if values.dtype.kind == "f" and (unknown := int((~np.isfinite(values)).sum())):
        raise ValueError(f"{name} must hold labels, got NaN or infinity at {unknown} of {values.size} pixels.")
    present = np.unique(values)
    wrong = present[~np.isin(present, np.arange(classes))]
    if wrong.size:
        few = ", ".join(f"{v:g}" for v in wrong[:5]) + (" ..." if wrong.size > 5 else "")
        raise ValueError(
            f"{name} must hold the labels 0 to {classes - 1}, one for each of the {classes} classes, also got {few}; "
            "of scores take np.argmax first, and map labels that are not to be measured to one of the classes."
        )
    return values.astype(np.int64)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
