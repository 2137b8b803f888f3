"""A user's task at work: its arrays, its model, its loss and its scores. Running this runs the user's code."""

import contextlib
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from experiments.errors import UserError, nearest
from experiments.problems.datasets.own import Arrays, splits
from experiments.problems.own import outside
from experiments.problems.tasks.base import PerExample

NEEDED = {
    "data": "data() returns the arrays of training, validation and test",
    "model": "model(seed) returns a Keras model",
}
SHARES = ("accuracy", "dice")  # what scores from 0 to 1 are called, of which what lacks to 1 is an error
KNOWN = (*NEEDED, "loss", "lower_is_better", "metrics", "score", "title")
ALIKE = 0.8  # share of letters in common, from where a name is taken for another one misspelt: metric, scores, losses


class Subject:
    """A task from outside, loaded."""

    def __init__(self, one: outside.Reference) -> None:
        """Loads it; a UserError names every method that it lacks, one a line."""
        found = outside.load(one)
        self.name, self.path = one.text, str(one.path)
        self._given = self._made(one.name, found) if isinstance(found, type) else found
        lacking = [words for name, words in NEEDED.items() if not callable(getattr(self._given, name, None))]
        if lacking:
            raise UserError("\n".join(f"{one.name} has no {words.partition('(')[0]}(): {words}." for words in lacking))
        self._refuse_misspelt(one.name)

    def _refuse_misspelt(self, name: str) -> None:
        """Raises a UserError for a public name that is almost that of something which the task may give, and does not.

        Such a name would be ignored in silence, and the default taken. Other names are the user's own.
        """
        names = {one for one in dir(self._given) if not one.startswith("_")}
        for given in sorted(names.difference(KNOWN)):
            if meant := nearest(given, set(KNOWN) - names, ALIKE):
                raise UserError(
                    f"{name} has '{given}', which is not read: did you mean '{meant}'? A name of your own may begin "
                    "with _."
                )

    @functools.cached_property
    def splits(self) -> Mapping[str, Arrays]:
        """The arrays of each split, made once."""
        return splits(self.name, self.run("data"))

    @property
    def classifies(self) -> bool:
        """Whether labels are class numbers; else they are values."""
        return self.splits["train"].labels.dtype.kind in "iu"

    @property
    def declares_loss(self) -> bool:
        """Whether the user gives a loss."""
        return getattr(self._given, "loss", None) is not None

    def model(self, seed: int) -> Any:
        """Returns the model with the weights of a seed; Keras's global seed is that of the run already."""
        return self.run("model", seed)

    @functools.cached_property
    def loss(self) -> PerExample:
        """The loss of each example, [n]: the user's, or cross entropy of logits, or the mean squared error."""
        given = getattr(self._given, "loss", None)
        if given is None:
            given = "sparse_categorical_crossentropy" if self.classifies else "mean_squared_error"
            return _each(functools.partial(_named(given), **({"from_logits": True} if self.classifies else {})))
        return _each(_named(given))

    @functools.cached_property
    def metrics(self) -> Mapping[str, PerExample]:
        """The scores of each example, [n], by name: the user's, or the accuracy of classes."""
        given = getattr(self._given, "metrics", None)
        if given is not None and "loss" in given:
            raise UserError("metrics has the name 'loss', which is that of the loss; give the metric another name.")
        if given is None:
            given = {"accuracy": "sparse_categorical_accuracy"} if self.classifies and not self.declares_loss else {}
        if not isinstance(given, Mapping):
            form = "{'accuracy': 'sparse_categorical_accuracy'}"
            raise UserError(f"metrics must be scores by name, as in {form}, got a {type(given).__name__}.")
        if wrong := [name for name in given if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", str(name))]:
            raise UserError(
                f"metrics has the name {wrong[0]!r}; files are called so: take letters, digits and _ alone."
            )
        return {str(name): _each(_named(one)) for name, one in given.items()}

    @property
    def facts(self) -> dict[str, Any]:
        """What every other process has to know of it, as plain values."""
        score = getattr(self._given, "score", None) or next(iter(self.metrics), "loss")
        if score not in (*self.metrics, "loss"):
            raise UserError(f"score is '{score}', and must be one of {', '.join((*self.metrics, 'loss'))}.")
        title = getattr(self._given, "title", None) or self.name.rpartition(":")[2]
        lower = getattr(self._given, "lower_is_better", None)
        share = score.rpartition("_")[2].lower() in SHARES
        if lower is None and score != "loss" and not share:
            raise UserError(
                f"lower_is_better is missing: nothing says whether a lower {score} is better; write lower_is_better = "
                "True for an error, else False."
            )
        if not isinstance(lower, bool | np.bool_ | None):
            raise UserError(f"lower_is_better must be True or False, got {lower!r}.")
        kinds = ("cross entropy" if self.classifies else "mean squared error", "loss")
        return {
            "title": " ".join(str(title).split()),
            "metrics": list(self.metrics),
            "score": score,
            "loss_title": kinds[self.declares_loss],
            "lower_is_better": score == "loss" if lower is None else bool(lower),
            "share": share,
            "sizes": {split: len(part) for split, part in self.splits.items()},
            "digests": {split: part.sha256 for split, part in self.splits.items()},
        }

    def _made(self, name: str, cls: type) -> Any:
        """Returns a task of a class, which takes no arguments."""
        try:
            with outside.staying():
                return cls()
        except outside.RAISED as error:
            what = f"{name}(), the task made of this class without arguments, fails"
            raise UserError(f"{what}: {outside.described(error, self.path)}.") from error

    def run(self, method: str, *arguments: Any) -> Any:
        """Returns what a method of the user's returns; its error is the user's to mend."""
        try:
            with outside.staying():
                return getattr(self._given, method)(*arguments)
        except outside.RAISED as error:
            raise UserError(f"{method}() fails: {outside.described(error, self.path)}.") from error


def _named(given: Any) -> Callable[..., Any]:
    """Returns a loss or a score of Keras by its name; a function as it is."""
    import keras

    found: Any = given
    if isinstance(given, str):
        found = getattr(keras.metrics, given, None)
        if not callable(found) or isinstance(found, type):
            with contextlib.suppress(ValueError):
                found = keras.losses.get(given)
    if isinstance(found, type) and issubclass(found, keras.losses.Loss | keras.metrics.Metric):
        raise UserError(
            f"{found.__name__} is a class; give a loss of it, {found.__name__}(), or a function by its name."
        )
    if isinstance(found, keras.losses.Loss):
        found = found.call
    if not callable(found):
        raise UserError(f"{given!r} is neither a function nor a loss of Keras by name, such as mean_squared_error.")
    return found  # type: ignore[no-any-return]


def _each(function: Callable[..., Any]) -> PerExample:
    """Returns a function whose result is one float32 value for each example, the mean over what else it has."""

    def values(labels: Any, outputs: Any) -> Any:
        import tensorflow as tf

        found = tf.cast(function(labels, outputs), tf.float32)
        return found if found.shape.rank == 1 else tf.reduce_mean(found, axis=list(range(1, found.shape.rank)))

    return values


def one_hot(labels: np.ndarray) -> bool:
    """Returns whether labels look like one-hot rows."""
    return (
        labels.ndim == 2
        and labels.shape[1] > 1
        and bool(((labels == 0) | (labels == 1)).all())
        and bool((labels.sum(axis=1) == 1).all())
    )
