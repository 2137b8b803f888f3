"""The problems that optimizers are compared on, by name: test functions, a quadratic, and small classifiers.

    >>> get("quadratic_deep").parameters, get("mnist_mlp").parameters
    (100, 1336610)

Each has `name`, `title`, `parameters`, `budget`, `weight` (how heavy a run is) and `allows_decay` (whether a search may
tune weight decay). `functions` and `quadratic` compute on TensorFlow and on NumPy alike; none of these modules imports
TensorFlow before a model is built or a tensor is given.
"""

from __future__ import annotations

from collections.abc import Mapping

from experiments.errors import unknown
from experiments.problems.functions.base import Budget
from experiments.problems.functions.networks import NETWORKS, Network
from experiments.problems.functions.quadratic import QUADRATIC_DEEP, Quadratic
from experiments.problems.functions.surfaces import FUNCTIONS, Function

__all__ = ["Budget", "Function", "Network", "Problem", "Quadratic", "get", "names"]

Problem = Function | Quadratic | Network

_PROBLEMS: Mapping[str, Problem] = {**FUNCTIONS, QUADRATIC_DEEP.name: QUADRATIC_DEEP, **NETWORKS}


def names() -> list[str]:
    """Returns the problems there are, sorted."""
    return sorted(_PROBLEMS)


def get(name: str) -> Problem:
    """Returns a problem by name.

    Raises:
        UserError: there is none of that name; the nearest one is told.
    """
    if name not in _PROBLEMS:
        raise unknown("problem", str(name), names())
    return _PROBLEMS[name]
