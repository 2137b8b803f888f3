"""The axes that scores, errors, losses, epochs and steps are drawn on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

TICKS = 6  # that an axis of scores has room for
WIDE = 3.0  # times that errors differ where their axis is logarithmic
FEW_DECADES = 1e4  # of a logarithmic axis that has room for 1, 2 and 5


def ticks(axis: Axis, locator: Locator, text: str = "{:g}") -> None:
    """Puts the ticks of an axis where a locator wants them, as plain numbers: exponents would be too small to read."""
    axis.set_major_locator(locator)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text.format(value)))


def accuracy_scale(axes: Axes, values: Sequence[float], step: float) -> None:
    """Stretches an accuracy axis towards 1, logarithmic in the share of errors, from 0 on."""
    _towards_one(axes.yaxis, step / 2)
    top, roomy = max(values), [tick for tick in ERRORS if tick not in (0.7, 0.97)]  # others crowd a tall axis
    shown = [tick for tick in roomy if tick <= top] + [tick for tick in roomy if tick > top][:1]
    axes.set_ylim(min(0.0, *values), max(shown[-1], top))
    axes.yaxis.set_major_locator(FixedLocator(shown))


def score_scale(axis: Axis, values: Sequence[float], higher_is_better: bool, step: float = 1e-3) -> str:
    """Makes an axis cover some scores or losses, and says how: shares below 1 are stretched towards 1.

    Args:
        axis: an axis of a figure.
        values: what has to be seen; infinite ones are left out.
        higher_is_better: True for a score, False for a loss.
        step: the smallest difference that a score can show.

    Returns:
        What to write after the axis's name, in brackets.
    """
    seen = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(seen), max(seen)
    if low > 0 and not higher_is_better and high > 20 * low:
        (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
        axis.set_view_interval(low / 1.3, high * 1.3, ignore=True)
        return "logarithmic axis"
    if not (higher_is_better and 0 <= low <= high <= 1):
        return plain_scale(axis, seen)
    _towards_one(axis, step / 2)
    low, high = max(0.0, low - 0.08 * (1 - low)), min(1.0, high + 0.12 * (1 - high))
    axis.set_view_interval(low, high, ignore=True)
    places = [tick for tick in ERRORS if low <= tick <= high]
    for step in (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005):
        if len(places) > 2:
            break
        places = [tick for tick in (round(step * k, 4) for k in range(round(1 / step) + 1)) if low <= tick <= high]
    axis.set_major_locator(FixedLocator(places[:: max(1, math.ceil(len(places) / TICKS))]))
    return "axis logarithmic in the share of errors"


def plain_scale(axis: Axis, values: Sequence[float]) -> str:
    """Makes an axis cover some finite values, evenly, and says so."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.06 * (high - low) or abs(high) / 100 or 0.01
    axis.set_view_interval(low - room, high + room, ignore=True)
    ticks(axis, MaxNLocator(5, steps=[1, 2, 5, 10]))
    return "axis covers what was found"


ERRORS = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)  # round places on such an axis


def _towards_one(axis: Axis, floor: float) -> None:
    """Makes an axis logarithmic in 1 - value, down to a floor."""
    scale = (
        lambda y: -np.log10(np.maximum(1 + floor - np.asarray(y), floor / 2)),
        lambda z: 1 + floor - 10 ** -np.asarray(z, dtype=float),
    )
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("function", functions=scale)
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def loss_scale(axes: Axes, values: Sequence[float]) -> None:
    """Makes a loss axis logarithmic, where losses are positive; 0 is below it."""
    positive = [v for v in values if v > 0]
    if not positive or min(values) < 0:
        plain_scale(axes.yaxis, values)
        return
    axes.set_yscale("log")
    axes.set_ylim(min(positive) / 1.3, max(positive) * 1.3)
    wide = max(positive) > FEW_DECADES * min(positive)
    ticks(axes.yaxis, LogLocator(numticks=7) if wide else LogLocator(subs=(1, 2, 5)))


def error_scale(axis: Axis, values: Sequence[float], floor: float, *, always: bool = False) -> bool:
    """Makes an axis of errors, in % or of a loss, logarithmic where they differ much; returns whether it is.

    Args:
        axis: an axis of a figure.
        values: what has to be seen; infinite ones are left out.
        floor: half of the smallest error above 0, where 0 is drawn on a logarithmic axis; 0 for one without.
        always: whether it is logarithmic even if they differ little.
    """
    seen = [max(value, floor) for value in values if math.isfinite(value)] or [1.0]
    low, high = min(seen), max(seen)
    if low <= 0 or not (always or high > WIDE * low):
        room = 0.08 * (high - low) or abs(high) / 10 or 0.1
        axis.set_view_interval(max(low - room, 0.0) if low >= 0 else low - room, high + room, ignore=True)
        ticks(axis, MaxNLocator(4, steps=[1, 2, 5, 10]))
        return False
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    room = (high / low) ** 0.06 if high > low else 1.5  # around one value, so that some round place is near
    low, high = low / room, high * room
    axis.set_view_interval(low, high, ignore=True)
    most = 3 if high > FEW_DECADES * low and axis is axis.axes.xaxis else TICKS  # exponents are long words
    places = round_places(low, high, most)
    ticks(axis, FixedLocator(places) if places else MaxNLocator(3))
    if floor in seen and floor > 0:
        kept = [place for place in axis.get_majorticklocs() if place > 1.3 * floor]
        axis.set_major_locator(FixedLocator([floor, *kept]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value <= floor else f"{value:g}"))
    return True


def refresh(axis: Axis) -> None:
    """Gives a logarithmic axis other ticks where fewer than three are left, because what was drawn moved its ends."""
    low, high = sorted(axis.axes.get_xlim() if axis is axis.axes.xaxis else axis.axes.get_ylim())
    if sum(low <= place <= high for place in axis.get_majorticklocs()) < 3 and low > 0:
        ticks(axis, FixedLocator(round_places(low, high, TICKS)))


def round_places(low: float, high: float, most: int) -> list[float]:
    """Returns round values between two positive ones, for a logarithmic axis: decades, or parts of them where few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    places: list[float] = []
    for parts in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7)):
        places = [part * 10.0**k for k in decades for part in parts if low <= part * 10.0**k <= high]
        if len(places) > 2:
            break
    return places[:: max(1, math.ceil(len(places) / most))]


def roomy(axes: Axes, places: Sequence[float]) -> list[float]:
    """Returns those of some places on a finished horizontal axis whose numbers do not touch; the first come first."""
    points = axes.get_position().width * axes.figure.get_size_inches()[0] * 72  # type: ignore[union-attr]
    to_axes = axes.transData + axes.transAxes.inverted()
    kept: dict[float, tuple[float, float]] = {}
    for place in places:
        middle, half = points * float(to_axes.transform((place, 0))[0]), 3.2 * len(f"{place:g}") + 3
        if 0 <= middle <= points and all(abs(middle - other) >= half + its for other, its in kept.values()):
            kept[place] = middle, half
    return sorted(kept)


@dataclasses.dataclass(frozen=True)
class Across:
    """A horizontal axis."""

    column: str  # of the table
    words: str  # name of the axis
    title: str  # what is added to the title of the figure
    suffix: str  # of the files
    log: bool = False  # whether it is logarithmic from 1 on; 0 then stands left of 1

    def scale(self, axes: Axes, last: float) -> None:
        """Makes an axis go from 0 to the last place."""
        if self.log:
            axes.set_xscale("symlog", linthresh=1, linscale=0.4)
            decades = [10**k for k in range(math.floor(math.log10(max(last, 1))) + 1)]
            ticks(axes.xaxis, FixedLocator([0, *decades]), "{:,.0f}")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlim(0, last)
        axes.set_xlabel(self.words)


EPOCHS = Across("epoch", "epochs", "", "")
STEPS = Across("step", "steps of the optimizer (log axis)", " over steps", "_by_step", log=True)
GRADIENTS = Across(
    "example_gradients", "gradients of single examples (log axis)", " over gradients", "_by_gradient", log=True
)
