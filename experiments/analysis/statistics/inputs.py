"""Arrays of results: NaN is never a result, and no axis is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def as_array(
    name: str, values: Any, *ndim: int, infinite: bool = False, nan: bool = False, above_zero: bool = False
) -> Array:
    """Returns values as an array of floats.

    Args:
        name: what the values are called in a message.
        values: array or nested sequences of numbers, at least one.
        ndim: how many axes they may have; any number if none is given.
        infinite: whether infinity is a value, such as that of a run that diverged.
        nan: whether NaN is a value, such as the loss after a divergence.
        above_zero: whether a ratio is taken, so that 0 is no value.

    Raises:
        ValueError: they have another shape, or hold NaN, or infinity or 0 where that is no value.
    """
    array = np.asarray(values, np.float64)
    if array.size == 0 or (ndim and array.ndim not in ndim):
        axes = f" on {' or '.join(map(str, ndim))} axes" if ndim else ""
        raise ValueError(f"{name} must be numbers{axes}, at least one, got the shape {array.shape}.")
    if not nan and np.isnan(array).any():
        raise ValueError(
            f"{name} must not hold NaN: leave out what did not run, and give what diverged the worst value there is."
        )
    if not infinite and np.isinf(array).any():
        raise ValueError(f"{name} must be finite, got infinity.")
    if above_zero and array.min() <= 0:
        raise ValueError(f"{name} must be above 0, got {array.min():g}: a miss is infinity.")
    return array


def same_shape(**arrays: Array) -> None:
    """Refuses arrays of different shapes, which NumPy might stretch.

    Raises:
        ValueError: the shapes differ.
    """
    shapes = [array.shape for array in arrays.values()]
    if len(set(shapes)) > 1:
        raise ValueError(f"{' and '.join(arrays)} must have one shape, got {' and '.join(map(str, shapes))}.")


def by_label(
    name: str, values: Mapping[str, Any], ndim: int, *, infinite: bool = True, above_zero: bool = False
) -> dict[str, Array]:
    """Returns arrays of one shape, such as one for each optimizer; at least one.

    Raises:
        ValueError: there is none, their shapes differ, or one is refused by `as_array`.
    """
    if not values:
        raise ValueError(f"{name} must hold at least one of them, got {values!r}.")
    arrays = {
        label: as_array(f"{name}[{label!r}]", given, ndim, infinite=infinite, above_zero=above_zero)
        for label, given in values.items()
    }
    same_shape(**arrays)
    return arrays
