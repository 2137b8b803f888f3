"""What is tuned: ranges and choices, each a map from a place between 0 and 1 to a value, and how ranges widen (B6, B7).

Values are rounded to 6 digits, so that the last bit of a machine's power function changes no run's identity.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

EDGE = 0.1  # the outer tenth of a range, on either side
RATE_DECADES = 4  # around the documented default


@dataclasses.dataclass(frozen=True)
class Uniform:
    """A number between two others, each part of the range as likely as any other of its width."""

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuses an empty range."""
        _ascending(self.name, self.low, self.high, positive=False)

    def value(self, unit: float) -> float:
        """Returns the value at a place between 0 and 1, with 6 digits."""
        return _rounded(self.low + (self.high - self.low) * unit)


@dataclasses.dataclass(frozen=True)
class LogUniform:
    """A scale: each decade of the range is as likely as any other.

    Attributes:
        name: the hyperparameter.
        low: smallest value.
        high: largest value.
        one_minus: whether the range is that of 1 - value, as for decay rates close to 1; widening then ends at 1.
    """

    name: str
    low: float
    high: float
    one_minus: bool = False

    def __post_init__(self) -> None:
        """Refuses a range that is empty, not positive, or above 1 where 1 minus it is asked for."""
        _ascending(self.name, self.low, self.high, positive=True)
        if self.one_minus and self.high > 1:
            raise ValueError(f"The range of 1 - {self.name} must end at 1 or below, got {self.high!r}.")

    def value(self, unit: float) -> float:
        """Returns low (high / low)^unit with 6 digits, or 1 minus that."""
        scale = _rounded(self.low * (self.high / self.low) ** unit)
        return float(f"{1 - scale:.12g}") if self.one_minus else scale

    def side(self, unit: float) -> int:
        """Returns -1 or 1 when a place lies in the lower or upper tenth of a range that goes on there, else 0."""
        ends_above = self.one_minus and self.high == 1
        return (unit > 1 - EDGE and not ends_above) - (unit < EDGE)

    def widened(self, side: int) -> LogUniform:
        """Returns the range with one decade more below (-1) or above (1)."""
        if side < 0:
            return dataclasses.replace(self, low=_rounded(self.low / 10))
        high = _rounded(self.high * 10)
        return dataclasses.replace(self, high=min(high, 1.0) if self.one_minus else high)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some options, each as likely as any other."""

    name: str
    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuses what leaves no choice."""
        if len(set(self.options)) < len(self.options) or len(self.options) < 2:
            raise ValueError(f"{self.name} must have at least 2 options, all different, got {self.options!r}.")

    def value(self, unit: float) -> Any:
        """Returns the option at a place between 0 and 1."""
        return self.options[int(unit * len(self.options))]


Axis = Uniform | LogUniform | Choice


def space(learning_rate: float, knobs: Iterable[str], *, trials: int, decay: bool = False) -> tuple[Axis, ...]:
    """Returns what is tuned of an optimizer: the more trials, the more (rule B6).

    Args:
        learning_rate: the documented default; the range is two decades to either side.
        knobs: names of the optimizer's hyperparameters; those that the rule does not name are not tuned.
        trials: points tried, K.
        decay: whether the problem allows weight decay, which is then tuned in the place of epsilon.

    Raises:
        ValueError: the default rate is not a positive number.
    """
    _positive("learning_rate", learning_rate)
    half = 10.0 ** (RATE_DECADES / 2)
    axes: list[Axis] = [LogUniform("learning_rate", _rounded(learning_rate / half), _rounded(learning_rate * half))]
    known = [*knobs, *(["weight_decay"] if decay else [])]
    replaced = "epsilon" if decay else "weight_decay"
    for least, axis in (
        (10, LogUniform("beta_1", 0.005, 0.3, one_minus=True)),
        (10, LogUniform("momentum", 0.005, 0.3, one_minus=True)),
        (25, LogUniform("epsilon", 1e-10, 1.0)),
        (25, LogUniform("weight_decay", 1e-6, 1e-1)),
        (50, LogUniform("beta_2", 1e-4, 0.2, one_minus=True)),
    ):
        if trials >= least and axis.name in known and axis.name != replaced:
            axes.append(axis)
    return tuple(axes)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _positive(name: str, value: Any) -> None:
    _number(name, value)
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}.")


def _ascending(name: str, low: Any, high: Any, *, positive: bool) -> None:
    """Refuses a range that is empty, endless, or not positive where it has to be."""
    for end in (low, high):
        _number(f"The range of {name}", end)
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"The range of {name} must be finite and ascend, got {low!r} to {high!r}.")
    if positive and low <= 0:
        raise ValueError(f"The range of {name} must lie above 0 to have a logarithm, got {low!r} to {high!r}.")


def _number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, got {value!r}.")
