"""What a run has learned of rare and of frequent words, band by band of the number of training mails that have a word.

The update of a word is the length of what its row of the embedding moved by. The error of a band is that of test mails
of which the model is shown the words of the band alone; mails without any are left out. Next to it stands the error of
always naming the more frequent class of these mails, which differs from band to band.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.problems.datasets.cards import VOCABULARY
from experiments.problems.datasets.examples import Examples
from experiments.text import to_csv

EDGES = (1, 2, 3, 5, 10, 30, 100, 300, 10**9)  # a band has its lower edge, and not its upper one

Scores = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]


def measured(start: np.ndarray, end: np.ndarray, train: np.ndarray, test: Examples, scores: Scores) -> bytes:
    """Returns a table, one row a band.

    Args:
        start: rows of the embedding before training, [words + 1, width].
        end: rows after it.
        train: word numbers of the training mails, int32 [n, length]; 0 is none.
        test: the test mails.
        scores: gives the sum of each score over some mails, from their numbers and labels.
    """
    mails_with = np.bincount(train[train > 0], minlength=VOCABULARY + 1)
    moved = np.linalg.norm(end - start, axis=1)
    rows = []
    for low, high in itertools.pairwise(EDGES):
        band = (mails_with >= low) & (mails_with < high)
        shown = np.where(band[test.images], test.images, 0)
        some = shown.any(axis=1)
        if not some.any():
            continue
        found = scores(shown[some], test.labels[some])
        rows.append(
            {
                "mails_from": low,
                "mails_to": min(high - 1, len(train)),
                "words": int(band.sum()),
                "frequency": float(np.exp(np.log(mails_with[band]).mean())),
                "update": float(moved[band].mean()),
                "test_mails": int(some.sum()),
                "error": 1 - found["accuracy"] / int(some.sum()),
                "majority_error": 1 - float(np.bincount(test.labels[some]).max()) / int(some.sum()),
            }
        )
    return to_csv(rows).encode()


def embedding(model: Any) -> np.ndarray:
    """Returns the rows of a model's words, [words + 1, width]."""
    (table,) = (v for v in model.trainable_variables if v.shape[0] == VOCABULARY + 1)
    found: np.ndarray = table.numpy()
    return found
