"""Rows of the conformance table: a promise and its measurement; and variables, steps and models for measuring."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

import tfoptim

Place = Literal["here", "mirrored", "workers"]
"""Where a row runs: in this process, on two logical CPUs of another, or in two connected processes."""


@dataclass(frozen=True)
class Library:
    """Optimizers under the names of Keras's, from Keras or from tfoptim."""

    name: str  # in the heading of the report
    module: Any  # of the classes

    def find(self, name: str) -> Any:
        """Returns an optimizer class by name, in any case: Keras writes Adagrad, tfoptim AdaGrad."""
        return {key.lower(): value for key, value in vars(self.module).items()}[name.lower()]

    def make(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Returns an optimizer named after its class, so that messages have no running number."""
        return self.find(name)(*arguments, **{"name": name.lower()} | keywords)


Measure = Callable[[Library], tuple[bool, str]]


@dataclass(frozen=True)
class Verdict:
    """Result of a row on one library."""

    passed: bool  # the promise is kept
    measured: str  # the number or the behaviour, in a few words
    crashed: bool = False  # the row itself failed, so nothing was measured


@dataclass(frozen=True)
class Row:
    """One promise."""

    id: str  # letter and number, and a letter for each of several rows about one fault
    title: str  # the subject, in a few words
    promise: str  # behaviour of tfoptim, in a few words
    measure: Measure  # returns whether a library keeps the promise, and the measured behaviour
    place: Place = "here"  # where it has to run
    keras: bool = False  # whether Keras keeps the promise, in all supported versions
    slow: bool = False  # takes more than a few seconds

    @property
    def fault(self) -> str:
        """The fault the row belongs to: D3 for D3b."""
        return self.id.rstrip("abcdefghij")

    def run(self, library: Library) -> Verdict:
        """Measures one library; an error of the row becomes its verdict, so that the report continues."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                passed, measured = self.measure(library)
        except Exception as error:
            return Verdict(False, brief(error), crashed=True)
        return Verdict(bool(passed), measured)


LONGEST = 150
"""Characters of a message that are shown."""

ROWS: dict[str, Row] = {}
"""Every row, id -> row, filled by the decorator when the modules are imported."""


def row(id: str, title: str, promise: str, place: Place = "here", **facts: bool) -> Callable[[Measure], Measure]:  # noqa: A002
    """Declares a row, with its facts `keras` and `slow`: the decorated function measures it."""

    def declare(measure: Measure) -> Measure:
        assert id not in ROWS, f"two rows are called {id}"
        ROWS[id] = Row(id, title, promise, measure, place, **facts)
        return measure

    return declare


def libraries() -> tuple[Library, Library]:
    """Returns Keras's optimizers and tfoptim's."""
    return Library("Keras", keras.optimizers), Library("tfoptim", tfoptim)


def brief(error: BaseException) -> str:
    """Returns type and message of an error on one line, cut if it is long."""
    message = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip(" :")
    return message if len(message) <= LONGEST else f"{message[:LONGEST].rpartition(' ')[0]} ..."


def refusal(action: Callable[[], Any]) -> str:
    """Returns the error that an action raises, or an empty string."""
    try:
        action()
    except Exception as error:
        return brief(error)
    return ""


def refused(error: str) -> bool:
    """Returns whether a result of `refusal` is a ValueError."""
    return error.startswith("ValueError: ")


def weight(value: Any = 0.0, dtype: str = "float32", name: str = "weight") -> Any:
    """Returns a trainable variable."""
    return keras.Variable(np.asarray(value, "float64"), dtype=dtype, name=name)


def values(variable: Any) -> np.ndarray:
    """Returns a variable's elements in float64."""
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(variable, "float64")))


def steps(optimizer: Any, gradients: Sequence[Any], start: Any = 0.0, dtype: str = "float32") -> np.ndarray:
    """Returns the weights after one step per gradient and the end of `fit`, which may overwrite them."""
    variable = weight(start, dtype)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [variable])
    optimizer.finalize_variable_values([variable])
    return values(variable)


def traced(optimizer: Any, variable: Any) -> Callable[[Any], None]:
    """Returns a compiled step for one variable."""
    optimizer.build([variable])

    @tf.function  # type: ignore[untyped-decorator]
    def step(gradient: Any) -> None:
        optimizer.apply([gradient], [variable])

    return lambda gradient: step(tf.constant(gradient, variable.dtype))


def small_model(optimizer: Any, seed: int = 0) -> Any:
    """Returns a compiled model of a dense layer on two inputs."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, bias_initializer="ones", name="dense")])
    model.compile(optimizer, "mse")
    return model


def number(value: Any) -> str:
    """Returns a number with three digits."""
    value = float(value)
    return f"{0.0 if abs(value) < 1e-12 else value:.3g}"
