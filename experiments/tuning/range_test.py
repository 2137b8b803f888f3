"""The learning-rate range test (Smith, 2017, section 3.3): one short training while the rate grows at each step.

The loss of each mini-batch is taken before the step of its rate, and smoothed by a moving average that forgets a tenth
a step, its start corrected for. The test ends when that average is not finite, or twice what it was after `WINDOW`
steps.

The rule by which the two rates are read off: the loss falls from its value after `WINDOW` steps to its lowest; `base`
is the first rate at which a tenth of that fall is done, `peak` the first at which nine tenths are. So `base` is where
training begins to make progress, and `peak` lies before the point where larger rates bring no more. The average lags
some steps behind, so that both are read a little late.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

KEEP = 0.9  # of the average, at each step
WINDOW = 10
BLOW_UP = 2.0
BEGUN, NEARLY_DONE = 0.1, 0.9
NOTHING = 0.02  # a fall of less than this share of the loss is noise
MOST_STEPS = 100_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is tested."""

    name: str  # of the study, or of the task where no study was named
    task: str  # model and loss
    data: str  # whose training split is used; no other is loaded
    optimizer: str  # its name in `tfoptim.get`
    hyperparameters: Mapping[str, Any]  # its arguments but for the learning rate
    batch_size: int  # examples a step
    low: float  # first rate
    high: float  # last rate
    steps: int  # how many rates are tried
    linear: bool  # whether they grow by equal differences instead of equal ratios
    seed: int  # of weights, order and dropout; one of those for tuning, so that no evaluation is anticipated

    folder: str = ""  # where code from outside is found

    @property
    def rates(self) -> list[float]:
        """The rates, ascending."""
        parts = [i / (self.steps - 1) for i in range(self.steps)]
        if self.linear:
            return [self.low + part * (self.high - self.low) for part in parts]
        return [self.low * (self.high / self.low) ** part for part in parts]


@dataclasses.dataclass(frozen=True)
class Reading:
    """What is read off: two rates, and whether the loss was still falling at the last rate tried."""

    base: float
    peak: float
    open_end: bool


def smooth(losses: Iterable[float]) -> Iterator[float]:
    """Yields the moving average after each loss, corrected for its start at zero.

    >>> [round(value, 3) for value in smooth([2.0, 1.0, 1.0])]
    [2.0, 1.474, 1.299]
    """
    average, weight = 0.0, 0.0
    for loss in losses:
        average, weight = KEEP * average + (1 - KEEP) * loss, KEEP * weight + (1 - KEEP)
        yield average / weight


def until_divergence(losses: Iterable[float]) -> list[tuple[float, float]]:
    """Takes losses, and as few of them as needed, until they diverge; returns loss and average of each."""
    taken: list[float] = []

    def watched() -> Iterator[float]:
        for loss in losses:
            taken.append(loss)
            yield loss

    found: list[tuple[float, float]] = []
    for average in smooth(watched()):
        found.append((taken[-1], average))
        start = found[min(len(found), WINDOW) - 1][1]
        if not math.isfinite(average) or (len(found) > WINDOW and average > BLOW_UP * start):
            break
    return found


def read_off(rates: Sequence[float], averages: Sequence[float]) -> Reading | None:
    """Returns base and peak by the rule above; None if the loss does not fall.

    >>> read_off(range(1, 16), [2.0] * 10 + [1.9, 1.0, 0.5, 0.1, 3.0])
    Reading(base=12, peak=14, open_end=False)
    """
    tail = list(averages[WINDOW - 1 :])
    if len(tail) < 2:
        return None
    lowest = min(range(len(tail)), key=lambda i: tail[i] if math.isfinite(tail[i]) else math.inf)
    fall = tail[0] - tail[lowest]
    if not fall > NOTHING * abs(tail[0]):
        return None

    def first(share: float) -> float:
        return rates[WINDOW - 1 + next(i for i, value in enumerate(tail) if value <= tail[0] - share * fall)]

    return Reading(first(BEGUN), first(NEARLY_DONE), len(averages) == len(rates) and lowest == len(tail) - 1)


def sentences(plan: Plan, found: Sequence[tuple[float, float]], reading: Reading | None) -> list[str]:
    """Returns the result in words."""
    last, tried = plan.rates[len(found) - 1], f"{len(found)} of {plan.steps} steps"
    diverged = "the loss diverged" if len(found) < plan.steps else "the last rate was reached"
    first = f"{tried}, until {diverged} at {last:.3g}."
    if reading is None:
        return [first, "The loss does not fall at any of these rates: nothing is suggested."]
    factor = reading.peak / reading.base
    suggested = (
        f"Suggested: base {reading.base:.2g}, max {reading.peak:.2g}, the first rates at which {BEGUN:.0%} and "
        f"{NEARLY_DONE:.0%} of the fall of the smoothed loss are done: Cyclic({reading.base:.2g}, "
        f"{reading.peak:.2g}, cycle), or peak_factor={factor:.2g}."
    )
    more = ["The loss was still falling at the last rate: a higher --high may find more."] if reading.open_end else []
    return [first, suggested, *more]
