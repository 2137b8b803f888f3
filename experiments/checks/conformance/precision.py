"""Half precision, double precision, very large and very small numbers."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, row
from experiments.checks.conformance.scenes import number, steps, traced, values, weight


@row("D5", "Adam and its kin on bfloat16 weights", "moves as on float32 weights, to the digits that bfloat16 has")
def bfloat16(library: Library) -> tuple[bool, str]:
    """In bfloat16, 0.999 is 1: no second moment is collected, or the correction divides by 0."""
    names = ("Adam", "AdamW", "Nadam")
    ends = {name: steps(library.make(name, 0.1), [1.0] * 3, dtype="bfloat16") for name in names}
    passed = all(abs(ends[name] - steps(library.make(name, 0.1), [1.0] * 3)) < 0.002 for name in names)
    return passed, "moves in 3 steps of 0.1: " + ", ".join(f"{name} {number(ends[name])}" for name in names)


@row("D6a", "Adam on float16 weights, gradient 300", "finite: squares are taken in float32")
def large_in_half(library: Library) -> tuple[bool, str]:
    """The square of 300 is beyond float16."""
    end = steps(library.make("Adam", 0.1), [300.0] * 3, dtype="float16")
    return bool(abs(end + 0.3) < 0.01), f"moves in 3 steps of 0.1: {number(end)}"


@row("D6b", "Adam on float16 weights, gradient 0.0001", "steps as long as in float32")
def small_in_half(library: Library) -> tuple[bool, str]:
    """The square of 0.0001 is below float16, and so is epsilon."""
    end = steps(library.make("Adam", 0.1), [1e-4] * 3, dtype="float16")
    return bool(abs(end + 0.3) < 0.01), f"moves in 3 steps of 0.1: {number(end)}"


@row("D6c", "zero gradients on half-precision weights", "weights stay as they are")
def zero_in_half(library: Library) -> tuple[bool, str]:
    """Without a gradient no rule moves; where epsilon is 0 in half precision, 0 is divided by 0."""
    cases = [(name, dtype) for name in ("Adam", "Adamax", "Nadam") for dtype in ("float16", "bfloat16")]
    ends = {case: steps(library.make(case[0], 0.1), [0.0] * 2, 1.0, case[1]) for case in cases}
    moved = [f"{name} {dtype} {number(ends[name, dtype])}" for name, dtype in cases if ends[name, dtype] != 1.0]
    return not moved, "from 1.0 to: " + ", ".join(moved) if moved else f"exact in {len(cases)} cases"


@row("D7", "hyperparameters on float64 weights", "float64 all the way")
def double(library: Library) -> tuple[bool, str]:
    """The first step of Adam has the length rate / (1 + epsilon / sqrt(0.001)), whatever the betas."""
    end = float(steps(library.make("Adam", 0.1, epsilon=0.0), [1.0], dtype="float64"))
    error = abs(end + 0.1) / 0.1
    return error < 1e-12, f"first step of Adam off by {error:.0e}" if error else "first step of Adam exact"


@row("D32", "Adam with beta_2=0.99999999", "steps as declared")
def close_to_one(library: Library) -> tuple[bool, str]:
    """In float32 that beta is 1, and the second moment stays 0."""
    end = steps(library.make("Adam", 0.1, beta_2=0.99999999, epsilon=1e-12), [1.0] * 3)
    return bool(abs(end + 0.3) < 0.001), f"moves in 3 steps of 0.1: {number(end)}"


@row("D33", "centered RMSprop, constant gradients", "finite: a variance counts as 0 where rounding makes it negative")
def centered(library: Library) -> tuple[bool, str]:
    """The second moment less the squared first is 0 here, up to rounding in proportion to their size."""
    gradients = np.logspace(-2, 4, 100)
    variable = weight(np.zeros(100))
    step = traced(library.make("RMSprop", 0.001, centered=True), variable)
    for _ in range(200):
        step(gradients)
    finite = bool(np.all(np.isfinite(values(variable))))
    return finite, f"{'none' if finite else 'some'} of 100 weights are NaN after 200 steps"


@row("D31", "a NaN in a gradient", 'kept out with `nonfinite="skip"`: the step leaves every bit as it was')
def not_a_number(library: Library) -> tuple[bool, str]:
    """Clipping by norm spreads one NaN over the whole variable; a library may have a policy against that."""
    known = "nonfinite" in getattr(library.find("SGD"), "fields", {})
    optimizer = library.make("SGD", 1.0, clipnorm=1.0, **({"nonfinite": "skip"} if known else {}))
    variable = weight([1.0, 2.0])
    optimizer.build([variable])
    optimizer.apply([tf.constant([np.nan, 1.0])], [variable])
    end, count = values(variable), int(optimizer.iterations)
    return bool(np.all(end == [1.0, 2.0]) and count == 0), f"weights [1, 2] become {end}, {count} steps counted"
