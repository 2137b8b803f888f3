"""Minimization of a loss over all data, by methods that need the loss itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfoptim.solvers.lbfgs import LBFGS
from tfoptim.solvers.line_search import Wolfe
from tfoptim.solvers.method import Method
from tfoptim.solvers.point import Flat, Objective, Point
from tfoptim.stopping.condition import Condition
from tfoptim.stopping.conditions import Budget, NonFinite
from tfoptim.stopping.gradient_norm import GradientNormBelow
from tfoptim.stopping.observation import Observation


@dataclass(frozen=True)
class Iteration:
    """State after one iteration."""

    iteration: int
    loss: float
    gradient: float  # largest absolute element
    evaluations: int  # of loss and gradient so far
    gradients: int  # so far, as `Budget(gradients=...)` counts them
    seconds: float  # so far

    def __str__(self) -> str:
        rate = self.evaluations / self.seconds if self.seconds else 0.0
        return (
            f"iteration {self.iteration:,}: loss {self.loss:.6g}, gradient {self.gradient:.3g}, "
            f"{self.evaluations:,} evaluations ({rate:.0f} a second)"
        )


@dataclass(frozen=True)
class Result:
    """Outcome of a minimization; the variables hold the point of the lowest loss."""

    reason: str  # why it ended: `kind: event; after cost`
    loss: float  # lowest
    gradient: float  # largest absolute element there
    iterations: int
    evaluations: int  # of loss and gradient
    products: int  # of the Hessian and a vector; of a Jacobian, its columns
    history: list[Iteration] = field(repr=False)


def minimize(
    loss: Callable[[], Any],
    variables: Sequence[Any],
    method: Method | None = None,
    stop: Condition | None = None,
    search: Wolfe | None = None,
    callbacks: Iterable[Callable[[Iteration], Any]] = (),
    verbose: bool = False,
) -> Result:
    """Minimizes a loss over its variables.

    The loss is compiled once. Whatever ends the search, an exception and Ctrl-C too, the variables then hold the point
    of the lowest loss.

    Args:
        loss: function without arguments that reads the variables and returns a float scalar, such as
            `tfoptim.full_loss(model, x, y)`; always the same for the same weights: no random batches, no dropout.
        variables: float32 or float64, without constraints.
        method: of `tfoptim.solvers`; `LBFGS()` unless given.
        stop: a stopping condition of `tfoptim.callbacks`, checked after every iteration, where an epoch ends too.
            Unless given: the largest element of the gradient is at most 1e-6 times that at the start (1e-6, if that
            was below 1), or 1,000 iterations. `Budget(gradients=...)` counts an evaluation as one (with `full_loss`,
            one an example), a product with the Hessian as two, and a Jacobian as one a column.
        search: line search; unless given, strong Wolfe with the curvature that the method asks for.
        callbacks: functions that are called after every iteration, while the variables hold its point.
        verbose: print a line a second.

    Returns:
        `Result`. Its reason is that of the condition, or "precision" where no step decreases the loss further: its
        digits are used up.

    Raises:
        TypeError, ValueError: an argument is not as above, or the loss is not finite at the start.

    >>> import keras, tfoptim
    >>> x = keras.Variable([3.0, -4.0], dtype="float64")
    >>> result = tfoptim.minimize(lambda: keras.ops.sum(x**2), [x])
    >>> result.reason
    'gradient: the largest element of the gradient is ..., at most 8e-06; after 2 steps, ... s'
    """
    method = LBFGS() if method is None else method
    if not isinstance(method, Method):
        raise TypeError(f"minimize: method must be one of tfoptim.solvers, such as LBFGS(), got {method!r}.")
    if method.needs_residuals:
        raise TypeError(f"minimize: {method}")
    flat = Flat("minimize", variables)
    method.check_size(flat.n)
    search = Wolfe(curvature=method.curvature) if search is None else search
    if not isinstance(search, Wolfe):
        raise TypeError(f"minimize: search must be a tfoptim.solvers.Wolfe, got {search!r}.")
    objective = Objective("minimize", loss, flat)

    def advance(point: Point, memory: Any) -> tuple[Point | None, Any]:
        return method.advance(objective, point, memory, search)

    return run(objective, advance, stop, callbacks, verbose)


def run(
    objective: Any,
    advance: Callable[[Any, Any], tuple[Any, Any]],
    stop: Condition | None,
    callbacks: Iterable[Callable[[Iteration], Any]],
    verbose: bool,
) -> Result:
    """Runs the loop of every method: step, count, check, until a condition holds or no step is left."""
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"{objective.what}: callbacks must be a list of functions, got {callbacks!r}.")
    callbacks = [*callbacks, *([Progress()] if verbose else [])]
    stop = default_conditions() if stop is None else stop
    if not isinstance(stop, Condition):
        raise TypeError(f"{objective.what}: stop must be a condition of tfoptim.callbacks, got {stop!r}.")
    stop.reset()
    start = time.monotonic()
    history: list[Iteration] = []
    memory: Any = None
    best = point = objective(objective.flat.read())
    if not np.isfinite(point.loss) or not np.all(np.isfinite(point.gradient)):
        raise ValueError(f"{objective.what}: loss and gradient must be finite at the start, got loss {point.loss}.")
    try:
        reason = _ended(stop, point)
        while reason is None:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # searches step back from there
                new, memory = advance(point, memory)
            if new is None:
                reason = f"precision: no step decreases the loss below {best.loss:.10g}; after {stop.cost}"
                break
            point = new
            best = min(point, best, key=lambda at: (at.loss, _largest(at)))
            counts = objective.evaluations, objective.gradients
            now = Iteration(len(history) + 1, point.loss, _largest(point), *counts, time.monotonic() - start)
            history.append(now)
            if callbacks:
                objective.flat.write(point.x)
            for callback in callbacks:
                callback(now)
            stop.cost.steps, stop.cost.examples, stop.cost.seconds = now.iteration, now.gradients, now.seconds
            reason = _ended(stop, point)
        stop.reason = reason
    finally:
        objective.flat.write(best.x)
    return Result(reason, best.loss, _largest(best), len(history), objective.evaluations, objective.products, history)


def default_conditions() -> Condition:
    """Returns the conditions of `minimize` unless it is given others."""
    return NonFinite() | GradientNormBelow(1e-6, relative=True) | Budget(steps=1000)


def _ended(stop: Condition, point: Point) -> str | None:
    """Returns the reason of a condition that holds: an iteration uses all examples, so that an epoch ends with it."""
    logs = {"loss": point.loss}
    reason = stop.update(
        Observation(stop.cost, True, logs, counted=True, gradients=[point.gradient], weights=[point.x])
    )
    return f"{reason}; after {stop.cost}" if reason else None


def _largest(point: Point) -> float:
    return float(np.max(np.abs(point.gradient)))


class Progress:
    """Callback that prints a line a second."""

    def __init__(self) -> None:
        self.printed = 0.0

    def __call__(self, now: Iteration) -> None:
        """Prints the state, unless it has done so within the last second."""
        if now.seconds - self.printed >= 1:
            self.printed = now.seconds
            print(now)
