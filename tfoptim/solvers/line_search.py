"""Line search for the strong Wolfe conditions, and for approximate ones where the precision of the loss ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfoptim.solvers.point import Point

MOST = 25
"""Evaluations of one search."""

FLOOR = 1e-6
"""Relative change of the loss below which its sign is not trusted (Hager & Zhang, 2005)."""


@dataclass(frozen=True)
class Wolfe:
    """Search along a direction for a step that satisfies the strong Wolfe conditions.

    ```
    loss(a) <= loss(0) + decrease * a * slope(0)          sufficient decrease
    |slope(a)| <= curvature * |slope(0)|                  curvature
    ```

    Bracketing by extrapolation of the slope, then zooming by cubic interpolation (Nocedal & Wright, 2006: Numerical
    optimization, algorithms 3.5 and 3.6), safeguarded to the inner 80 % of the bracket. A loss that is not finite
    halves the step. Where the loss changes by rounding alone, the approximate conditions of Hager & Zhang (2005,
    section 2) on the slope decide. On a quadratic, a small `curvature` makes the search exact.

    Args:
        decrease: share of the decrease that the slope at the start promises, in (0, 0.5).
        curvature: share of the slope that may remain, in (decrease, 1).
    """

    decrease: float = 1e-4
    curvature: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.decrease < 0.5:
            raise ValueError(f"Wolfe: decrease must satisfy 0 < x < 0.5, got {self.decrease!r}.")
        if not self.decrease < self.curvature < 1:
            raise ValueError(f"Wolfe: curvature must satisfy decrease < x < 1, got {self.curvature!r}.")

    def __call__(
        self, evaluate: Callable[[np.ndarray], Point], start: Point, direction: np.ndarray, first: float
    ) -> Point | None:
        """Returns an acceptable point, or None if no step within the budget of evaluations decreases the loss.

        Args:
            evaluate: gives loss and gradient at weights.
            start: where the search begins.
            direction: along which it goes, with a negative slope.
            first: step to try first.
        """
        return _Search(self, evaluate, start, direction).run(first)


@dataclass(frozen=True)
class _Trial:
    step: float
    loss: float
    slope: float
    point: Point


class _Search:
    """One search: its trials, and the best of them."""

    def __init__(
        self, rule: Wolfe, evaluate: Callable[[np.ndarray], Point], start: Point, direction: np.ndarray
    ) -> None:
        self.rule, self.evaluate, self.direction = rule, evaluate, direction
        self.start = _Trial(0.0, start.loss, float(start.gradient @ direction), start)
        self.best: _Trial | None = None
        self.left = MOST

    def run(self, step: float) -> Point | None:
        """Doubles the step until a bracket is found, then zooms into it."""
        last = self.start
        while self.left:
            trial = self.try_step(step)
            if trial is None:  # not finite: the loss has no value that far
                step = (last.step + step) / 2
                continue
            if self.accepts(trial):
                return trial.point
            if not self.decreases(trial) or (last.step and trial.loss >= last.loss):
                return self.zoom(last, trial)
            if trial.slope >= 0:
                return self.zoom(trial, last)
            last, step = trial, _beyond(last, trial)
        return self.outcome()

    def zoom(self, low: _Trial, high: _Trial) -> Point | None:
        """Shrinks a bracket, of which `low` has the lower loss, until a trial is accepted."""
        while self.left:
            step = _between(low, high)
            if -self.start.slope * abs(high.step - low.step) < np.spacing(abs(self.start.loss)):
                break  # within the bracket the loss changes by rounding alone
            trial = self.try_step(step)
            if trial is None:
                high = _Trial(step, math.inf, math.nan, high.point)
            elif self.accepts(trial):
                return trial.point
            elif not self.decreases(trial) or trial.loss >= low.loss:
                high = trial
            else:
                if trial.slope * (high.step - low.step) >= 0:
                    high = low
                low = trial
        return self.outcome()

    def outcome(self) -> Point | None:
        """Returns the best trial, if it decreases the loss at all."""
        return self.best.point if self.best is not None else None

    def try_step(self, step: float) -> _Trial | None:
        """Evaluates a step; returns None if loss or gradient is not finite."""
        self.left -= 1
        point = self.evaluate(self.start.point.x + step * self.direction)
        slope = float(point.gradient @ self.direction)
        if not (math.isfinite(point.loss) and math.isfinite(slope)):
            return None
        trial = _Trial(step, point.loss, slope, point)
        if trial.loss < (self.best or self.start).loss and self.decreases(trial):
            self.best = trial
        return trial

    def decreases(self, trial: _Trial) -> bool:
        """Returns whether the loss falls enough for the length of the step."""
        return trial.loss <= self.start.loss + self.rule.decrease * trial.step * self.start.slope

    def accepts(self, trial: _Trial) -> bool:
        """Returns whether a trial satisfies the strong Wolfe conditions, or near the floor the approximate ones."""
        flat = abs(trial.slope) <= -self.rule.curvature * self.start.slope
        if self.decreases(trial):
            return flat
        near = abs(trial.loss - self.start.loss) <= FLOOR * abs(self.start.loss)
        ahead = trial.slope <= (2 * self.rule.decrease - 1) * self.start.slope
        return near and flat and ahead and trial.loss <= self.start.loss


def _beyond(last: _Trial, trial: _Trial) -> float:
    """Returns where the slope of two trials would vanish, at least a tenth and at most four times as far on."""
    width, bend = trial.step - last.step, trial.slope - last.slope
    far = -trial.slope / bend if bend > 0 else 4.0
    return trial.step + min(max(far, 0.1), 4.0) * width


def _between(low: _Trial, high: _Trial) -> float:
    """Returns the minimum of the cubic through two trials, at least a tenth of the bracket from its ends."""
    width = high.step - low.step
    share = 0.5
    if math.isfinite(high.loss) and math.isfinite(high.slope):
        a = low.slope + high.slope - 3 * (high.loss - low.loss) / width
        root = a * a - low.slope * high.slope
        if root >= 0:
            b = math.copysign(math.sqrt(root), width)
            bottom = high.slope - low.slope + 2 * b
            share = 1 - (high.slope + b - a) / bottom if bottom else share
    share = share if math.isfinite(share) else 0.5
    return low.step + min(max(share, 0.1), 0.9) * width
