"""Methods on test functions: what each evaluation brings, and how many a target takes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments import optimizers
from experiments.analysis.profiles import data_profile, performance_profile
from experiments.checks.solvers.functions import FUNCTIONS
from experiments.problems import functions as pictured

SOLVED = 1e-6  # rule B20: share of the way from the start's loss to the lowest that may be left
MOST = 1_000  # evaluations, after which a method has failed
DRAWN = 100  # evaluations of a picture
RATES = (1e-2, 1e-1, 1.0)  # of Adam, the best for each function; the search for it is not counted
ADAM = "Adam"
METHODS: Mapping[str, Callable[[Any], Any]] = {
    "GD": lambda of: of.GD(),
    "CG": lambda of: of.NonlinearCG(),
    "L-BFGS": lambda of: of.LBFGS(),
    "BFGS": lambda of: of.BFGS(),
    "Newton-CG": lambda of: of.NewtonCG(),
    "Newton": lambda of: of.Newton(),
    "Gauss-Newton": lambda of: of.GaussNewton(),
    "Levenberg-Marquardt": lambda of: of.LevenbergMarquardt(),
}


class Visit(NamedTuple):
    """A point of a path."""

    work: float  # evaluations so far: a product with the Hessian counts as two, a Jacobian as one for each column
    loss: float
    x: Any


def solved(label: str, function: Any, most: int, share: float = SOLVED) -> list[Visit]:
    """Returns the path of a solver: the start, and the point after each iteration until the target."""
    import keras
    import tensorflow as tf

    from tfoptim import callbacks, least_squares, minimize, solvers

    method, x = METHODS[label](solvers), keras.Variable(np.array(function.start), dtype="float64")
    found = [Visit(1, float(function.loss(x.value)), x.numpy())]

    def keep(now: Any) -> None:
        found.append(Visit(now.gradients, now.loss, x.numpy()))

    stop = callbacks.TargetReached("loss", _target(function, found, share)) | callbacks.Budget(gradients=most)
    given: Any = {"method": method, "stop": stop, "callbacks": [keep]}
    if method.needs_residuals:
        least_squares(lambda: function.residuals(tf, x.value), [x], **given)
    else:
        minimize(lambda: function.loss(x.value), [x], **given)
    return found


def by_adam(function: Any, most: int) -> list[Visit]:
    """Returns the path of Adam with the rate that reaches the target first, or else ends lowest."""
    return min(_rates(function, most), key=lambda path: (needed(function, path, most), path[-1].loss))


def _rates(function: Any, most: int) -> Iterator[list[Visit]]:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([len(function.start)], tf.float64)], autograph=False)  # type: ignore[untyped-decorator]
    def both(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = function.loss(x)
        return loss, tape.gradient(loss, x)

    for rate in RATES:
        found: list[Visit] = []

        def gradient(x: Any, found: list[Visit] = found) -> Any:
            loss, slope = both(tf.constant(x))
            found.append(Visit(len(found) + 1, float(loss), x.copy()))
            return slope.numpy()

        optimizers.simulate(optimizers.rule("adam", learning_rate=rate), np.array(function.start), gradient, most)
        yield found


def _target(function: Any, path: Sequence[Visit], share: float = SOLVED) -> float:
    return float(function.least + share * (path[0].loss - function.least))


def needed(function: Any, path: Sequence[Visit], most: int = MOST) -> float:
    """Returns the evaluations to the target, infinity for a failure."""
    target = _target(function, path)
    return next((visit.work for visit in path if visit.loss <= target and visit.work <= most), math.inf)


def costs(names: Sequence[str] = tuple(FUNCTIONS)) -> dict[str, list[float]]:
    """Returns the evaluations to the target of each method, a number a function; infinity for a failure."""
    found: dict[str, list[float]] = {label: [] for label in (ADAM, *METHODS)}
    for function in map(FUNCTIONS.__getitem__, names):
        for label, own in found.items():
            own.append(needed(function, _path(label, function, MOST)))
    return found


def _path(label: str, function: Any, most: int) -> list[Visit]:
    return by_adam(function, most) if label == ADAM else solved(label, function, most)


def profile_rows(found: Mapping[str, Sequence[float]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the rows of the performance profile and of the data profile."""
    shown = {"all": performance_profile(found), "data profile": data_profile(found)}
    return [
        {"panel": title, "kind": profile.kind, "optimizer": label, "problem": name, "cost": float(cost)}
        for title, profile in shown.items()
        for label, own in profile.costs.items()
        for name, cost in zip(names, own, strict=True)
    ]


def path_rows(names: Sequence[str] = ("rosenbrock", "branin")) -> list[dict[str, Any]]:
    """Returns a row for each function of two numbers, method and point of its path, from the published start."""
    labels = [ADAM, *(label for label in METHODS if label not in ("Gauss-Newton", "Levenberg-Marquardt"))]
    return [
        {
            "function": name,
            "optimizer": label,
            "step": visit.work,
            "unit": "evaluations",
            "x": float(visit.x[0]),
            "y": float(visit.x[1]),
            "f": visit.loss,
        }
        for name in names
        for label in labels
        for visit in _path(label, Pictured(pictured.FUNCTIONS[name]), DRAWN)
        if visit.work <= DRAWN
    ]


class Pictured(NamedTuple):
    """A function of two numbers, as the solvers take it."""

    function: pictured.Function

    @property
    def start(self) -> Sequence[float]:
        """Where paths begin."""
        return self.function.start

    @property
    def least(self) -> float:
        """Lowest value."""
        return self.function.minimum

    def loss(self, x: Any) -> Any:
        """Returns the value."""
        return self.function.value(x)
