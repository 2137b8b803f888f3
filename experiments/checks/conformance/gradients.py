"""Rows on gradients: their shapes and order, their precision, and repeated rows of embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, number, refusal, refused, row, steps, traced, values, weight


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


@row("D5", "Adam, AdamW and Nadam on bfloat16 weights", "moves as on float32 weights, to the digits that bfloat16 has")
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
    """The second moment minus the squared first is 0 here, up to rounding in proportion to their size."""
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


SQUARING = ("Adam", "AdamW", "RMSprop", "Nadam", "Adagrad", "Adadelta")
CLIPPING = ("clipnorm", "global_clipnorm", "clipvalue")
LOOKED_UP = [[1, 1, 2, 1], [0, 1, 2, 2]]


def _train(optimizer: Any, look_up: Any) -> np.ndarray:
    """Returns an embedding after three steps; it starts the same and differs in how its rows are found."""
    table = weight(np.arange(8.0).reshape(4, 2) / 8, name="table")
    optimizer.build([table])
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((look_up(table.value) - 1.0) ** 2)
        optimizer.apply([tape.gradient(loss, table.value)], [table])
    return values(table)


def _difference(library: Library, name: str, **keywords: Any) -> float:
    rate = {"Adadelta": 5.0}.get(name, 0.05)
    by_row = _train(library.make(name, rate, **keywords), lambda table: tf.gather(table, LOOKED_UP))
    dense = _train(library.make(name, rate, **keywords), lambda table: tf.one_hot(LOOKED_UP, 4) @ table)
    return float(np.max(np.abs(by_row - dense)))


def _list(wrong: dict[str, float]) -> str:
    return "weights off: " + ", ".join(f"{name} {number(value)}" for name, value in wrong.items())


@row("D1a", "rows looked up twice in an embedding", "equals the dense gradient: repeated rows are summed first")
def repeated_rows(library: Library) -> tuple[bool, str]:
    """Three steps on an embedding by look-up and by a product with one-hot vectors: the same mathematics."""
    off = {name: _difference(library, name) for name in SQUARING}
    wrong = {name: value for name, value in off.items() if value > 5e-6}
    return not wrong, _list(wrong) if wrong else f"{len(off)} optimizers within 5e-6"


@row("D1b", "clipping a gradient with repeated rows", "clips what the dense gradient would be")
def repeated_rows_clipped(library: Library) -> tuple[bool, str]:
    """SGD adds, so that only clipping sees whether the rows were summed before it."""
    off = {kind: _difference(library, "SGD", **{kind: 0.5}) for kind in CLIPPING}
    wrong = {kind: value for kind, value in off.items() if value > 5e-6}
    return not wrong, _list(wrong) if wrong else f"{len(off)} kinds of clipping within 5e-6"


@row("D23", "`loss_scale_factor` with an embedding", "unscales the values of sparse gradients")
def scaled_rows(library: Library) -> tuple[bool, str]:
    """One step on one row, with the loss doubled and the gradient halved again."""
    table = weight(np.zeros((3, 1)))
    optimizer = library.make("SGD", 1.0, loss_scale_factor=2.0)
    optimizer.build([table])
    gradient = tf.IndexedSlices(tf.constant([[2.0]]), tf.constant([1]), tf.constant([3, 1]))
    error = refusal(lambda: optimizer.apply([gradient], [table]))
    return not error and values(table)[1, 0] == -1.0, error or f"the row moves by {values(table)[1, 0]:g}"
