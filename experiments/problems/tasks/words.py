"""Problems of bags of words, whose gradients are sparse: a batch touches the rows of its own words alone."""

from typing import Any

from experiments.problems.datasets.cards import LENGTH, VOCABULARY
from experiments.problems.tasks.base import Task, Tensor, accuracy, cross_entropy

WIDTH = 16  # numbers of a word
HIDDEN = 32


def _bag(width: int, initial: str, dense: bool) -> Any:
    """Returns a model of word numbers, int [n, LENGTH]: the sum of the rows of its words over the root of their number.

    So each example has length 1, as a vector of zeros and ones that is divided by its norm.
    """
    import keras
    from keras import layers, ops

    class Bag(layers.Layer):  # type: ignore[misc, unused-ignore]
        """Sums rows, those of 0 left out."""

        def call(self, numbers: Any, rows: Any) -> Any:
            """Returns the sums, [n, width]."""
            there = ops.cast(ops.not_equal(numbers, 0), rows.dtype)
            total = ops.sum(rows * there[..., None], axis=1)
            return total / ops.sqrt(ops.maximum(ops.sum(there, axis=1, keepdims=True), 1))

    numbers = keras.Input((LENGTH,), dtype="int32")
    rows = layers.Embedding(VOCABULARY + 1, width, embeddings_initializer=initial)(numbers)
    x = Bag()(numbers, rows)
    if dense:
        x = layers.Dense(2)(layers.Dense(HIDDEN, "relu")(x))
    return keras.Model(numbers, layers.Activation("linear")(x))


def _task(name: str, title: str, parameters: int, width: int, initial: str, *, dense: bool) -> Task:
    return Task(
        name=name,
        version=1,
        title=title,
        parameters=parameters,
        build=lambda dropout: _bag(width, initial, dense),
        inputs=_as_they_are,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        data="spam_assassin",
        example="mails",
        by_frequency=True,
    )


def _as_they_are(numbers: Tensor) -> Tensor:
    return numbers


WORDS = {
    task.name: task
    for task in (
        _task("spam_linear", "linear model of 20,000 words", 2 * (VOCABULARY + 1), 2, "zeros", dense=False),
        _task(
            "spam_embedding",
            "embedding of 20,000 words, and 16-32-2",
            WIDTH * (VOCABULARY + 1) + (WIDTH + 1) * HIDDEN + (HIDDEN + 1) * 2,
            WIDTH,
            "uniform",
            dense=True,
        ),
    )
}
