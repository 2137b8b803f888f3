"""Input validation for the statistics functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def numbers(
    name: str,
    values: Any,
    axes: tuple[str, ...] = ("runs",),
    *,
    least: int = 1,
    infinite: bool = False,
    nan: bool = False,
    rows: bool = False,
) -> Array:
    """Returns values as an array of floats with the axes asked for, each of them not empty.

    Args:
        name: what the values are called in the sentence.
        values: array or nested sequences of numbers.
        axes: what each axis counts, the last axis last.
        least: how many the last axis must have.
        infinite: whether infinity is a value, such as the time of a target that was missed.
        nan: whether NaN is a value, such as the loss of a run that diverged.
        rows: whether one more axis may come first, with a row for each optimizer.

    Raises:
        ValueError: they are no numbers, have another shape, or hold NaN, or infinity where that is no value.
    """
    array = _array(name, values)
    if array.ndim not in (len(axes), len(axes) + rows) or 0 in array.shape:
        also = f" or (rows, {', '.join(axes)})" if rows else ""
        raise ValueError(
            f"{name} must have the shape ({', '.join(axes)}){also}, none of them 0, got the shape {array.shape}."
        )
    if array.shape[-1] < least:
        raise ValueError(f"{name} must have at least {least} {axes[-1]}, got {array.shape[-1]}.")
    if not nan:
        _refuse_nan(name, array)
    if not infinite and (wrong := int(np.isinf(array).sum())):
        raise ValueError(f"{name} must be finite, got infinity {wrong} times among {array.size}.")
    return array


def along_last(name: str, values: Any) -> Array:
    """Returns values of any shape as an array of floats, infinite ones allowed, with at least one on the last axis.

    Raises:
        ValueError: they are no numbers, there are none, or they hold NaN.
    """
    array = _array(name, values)
    if array.ndim == 0 or 0 in array.shape:
        raise ValueError(f"{name} must have at least one number on the last axis, got the shape {array.shape}.")
    _refuse_nan(name, array)
    return array


def same_shape(one_name: str, one: Array, other_name: str, other: Array) -> None:
    """Refuses two arrays of different shapes.

    Raises:
        ValueError: the shapes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"{one_name} and {other_name} must have one shape, got {one.shape} and {other.shape}.")


def one_of_each(name: str, values: Any, key: str, axes: tuple[str, ...], infinite: bool = False) -> dict[str, Array]:
    """Returns a mapping of equally long arrays, such as one for each optimizer.

    Raises:
        ValueError: it is empty, no mapping, its arrays are of different shapes, or one is refused by `numbers`.
    """
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"{name} must map each {key}, at least one, to its numbers, got {values!r}.")
    arrays = {label: numbers(f"{name}[{label!r}]", v, axes, infinite=infinite) for label, v in values.items()}
    first, *others = arrays
    for other in others:
        same_shape(f"{name}[{first!r}]", arrays[first], f"{name}[{other!r}]", arrays[other])
    return arrays


def share(name: str, value: Any) -> float:
    """Returns a number strictly between 0 and 1.

    Raises:
        ValueError: it is none.
    """
    if not is_number(value) or not 0 < value < 1:
        raise ValueError(f"{name} must be above 0 and below 1, got {value!r}.")
    return float(value)


def random(rng: Any) -> np.random.Generator:
    """Returns a random generator.

    Raises:
        ValueError: it is none; a bare seed would give all tables of a study the same draws.
    """
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a NumPy generator, such as generator(study, table) gives, got {rng!r}.")
    return rng


def finite(name: str, value: Any) -> float:
    """Returns one finite number.

    Raises:
        ValueError: it is none.
    """
    if not is_number(value) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}.")
    return float(value)


def times(name: str, values: Any, axes: tuple[str, ...] = ("runs",), *, above_zero: bool = False) -> Array:
    """Returns times with the axes asked for, infinity for a miss.

    Raises:
        ValueError: they are refused by `numbers`, or one is negative, or 0 where a ratio is taken.
    """
    array = numbers(name, values, axes, infinite=True)
    if array.min() < 0 or (above_zero and array.min() == 0):
        limit = "above 0" if above_zero else "at least 0"
        raise ValueError(f"{name} must be {limit}, got {array.min():g}: a miss is infinity.")
    return array


def is_number(value: Any) -> bool:
    """Returns whether a value is one real number, NaN and infinity among them."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _array(name: str, values: Any) -> Array:
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of equal length, got rows of different lengths.") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be numbers, got the type {array.dtype} from {type(values).__name__}.")
    return array.astype(np.float64)


def _refuse_nan(name: str, array: Array) -> None:
    if wrong := int(np.isnan(array).sum()):
        raise ValueError(
            f"{name} must not hold NaN, got it {wrong} times among {array.size}: leave out what did not run, and give "
            "what diverged the worst value there is."
        )
