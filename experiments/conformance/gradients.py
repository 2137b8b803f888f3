"""What is handed to `apply` and `build`: gradients and variables that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.conformance.rows import Library, refusal, row
from experiments.conformance.scenes import number, values, weight


def _apply(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> str | None:
    optimizer.build(list({id(v): v for v in variables}.values()))
    return refusal(lambda: optimizer.apply([tf.constant(g) for g in gradients], variables))


@row("D21", "a gradient of shape (1,) for a weight of shape (2,)", "ValueError with both shapes: nothing is broadcast")
def broadcast(library: Library) -> tuple[bool, str]:
    """Such a gradient is of something else."""
    variable = weight([0.0, 0.0])
    refused = _apply(library.make("Adam", 0.1), [[1.0]], [variable])
    return (
        refused == "ValueError",
        refused or f"moves both elements, by {number(values(variable)[0])} and {number(values(variable)[1])}",
    )


@row("D22a", "one gradient for two variables", "ValueError with both numbers")
def too_few(library: Library) -> tuple[bool, str]:
    """The gradients of another model, or a list cut short."""
    variables = [weight(), weight()]
    refused = _apply(library.make("SGD", 1.0), [1.0], variables)
    moved = sum(bool(values(variable)) for variable in variables)
    return refused == "ValueError", refused or f"moves {moved} of 2 variables, without a word"


@row("D22b", "one variable given twice", "ValueError with its path")
def twice(library: Library) -> tuple[bool, str]:
    """Two steps in one."""
    variable = weight()
    refused = _apply(library.make("SGD", 1.0), [1.0, 1.0], [variable, variable])
    return refused == "ValueError", refused or f"steps twice: {number(values(variable))}"


@row("D25", "`build` again with one more variable", "ValueError with the paths of the new ones")
def built_again(library: Library) -> tuple[bool, str]:
    """A layer was added, and the optimizer has no state for it."""
    first, second = weight(np.zeros(2)), weight(np.zeros(2))
    optimizer = library.make("Adam")
    optimizer.build([first])
    before = len(optimizer.variables)
    refused = refusal(lambda: optimizer.build([first, second]))
    return refused == "ValueError", refused or f"ignored: {before} variables stay {len(optimizer.variables)}"
