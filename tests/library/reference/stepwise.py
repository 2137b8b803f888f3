"""How a loop is written: a generator that takes weights and gradient of each step and gives the new weights.

So the loop may read the weights, and what surrounds a rule may change them between its steps.
"""

from functools import wraps

import numpy as np


def stepwise(rule):
    """The function `rule(w, gradients, ...)` that returns the weights after each step; its `steps` is the generator."""

    @wraps(rule)
    def every_step(w, gradients, *arguments, **options):
        walk = started(rule(np.array(w, dtype="float64"), *arguments, **options))
        trajectory = []
        for g in gradients:
            w = walk.send((np.asarray(w, dtype="float64"), g))
            trajectory.append(w)
        return trajectory

    every_step.steps = rule
    return every_step


def started(walk):
    """The generator, ready for the first step."""
    next(walk)
    return walk
