"""Gradients of embeddings: some rows only, and some of them twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from experiments.checks.conformance.rows import Library, refusal, row
from experiments.checks.conformance.scenes import number, values, weight

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
