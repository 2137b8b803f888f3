"""What is handed to `apply` and `build`: gradients and variables that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, refusal, refused, row
from experiments.checks.conformance.scenes import number, values, weight


def _apply(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> str:
    optimizer.build(list({id(v): v for v in variables}.values()))
    return refusal(lambda: optimizer.apply([tf.constant(g) for g in gradients], variables))


@row("D21", "a gradient of shape (1,) for a weight of shape (2,)", "refused: nothing is broadcast")
def broadcast(library: Library) -> tuple[bool, str]:
    """Such a gradient is of something else."""
    variable = weight([0.0, 0.0])
    error = _apply(library.make("Adam", 0.1), [[1.0]], [variable])
    ends = " and ".join(number(value) for value in values(variable))
    return refused(error), error or f"moves both elements, by {ends}"


@row("D22a", "one gradient for two variables", "refused")
def too_few(library: Library) -> tuple[bool, str]:
    """The gradients of another model, or a list cut short."""
    variables = [weight(), weight()]
    error = _apply(library.make("SGD", 1.0), [1.0], variables)
    moved = sum(bool(values(variable)) for variable in variables)
    return refused(error), error or f"moves {moved} of 2 variables, without a word"


@row("D22b", "one variable given twice", "refused")
def twice(library: Library) -> tuple[bool, str]:
    """Two steps in one."""
    variable = weight()
    error = _apply(library.make("SGD", 1.0), [1.0, 1.0], [variable, variable])
    return refused(error), error or f"steps twice: {number(values(variable))}"


@row("D25", "`build` again with one more variable", "refused")
def built_again(library: Library) -> tuple[bool, str]:
    """A layer was added, and the optimizer has no state for it."""
    first, second = weight(np.zeros(2)), weight(np.zeros(2), name="other")
    optimizer = library.make("Adam")
    optimizer.build([first])
    before = len(optimizer.variables)
    error = refusal(lambda: optimizer.build([first, second]))
    return refused(error), error or f"ignored: {before} variables stay {len(optimizer.variables)}"
