"""THE table of optimizers: every test of the library is a product over its rows.

To add an optimizer, add its rows here and its loop in `reference/`; no test file changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

import tfoptim
from tests import reference
from tests.refusals import BETAS, EPSILON, MOMENTUM, NOT_A_NUMBER, RHO, Bad, refuses


@dataclass(frozen=True)
class Case:
    """One optimizer with one set of arguments, and the facts that decide which tests apply."""

    id: str
    name: str  # the class in tfoptim
    reference: Callable  # its loop in tests/reference
    options: Mapping[str, Any] = field(default_factory=dict)
    keras_name: str | None = None  # the class in keras.optimizers with the same formula
    keras_options: Mapping[str, Any] | None = None  # when they differ from `options`
    signature: str = ""  # rule arguments of a class that Keras lacks
    learning_rate: float = 0.05  # one at which 40 steps move a weight visibly
    slots: tuple[str, ...] = ()  # state kept for each variable
    shared_state: tuple[str, ...] = ()  # state kept once for the optimizer
    zero_gradient_noop: bool = False  # a zero gradient changes nothing, whatever came before
    linear_in_gradient: bool = False  # twice the gradients move the weights twice as far
    used_at_start: tuple[str, ...] = ()  # numbers that act when the state is made, not later
    scale_invariant: bool = False  # with epsilon=0, gradients of another scale give the same steps
    decays: bool = False  # decays the weights unless told otherwise
    bad: tuple[Bad, ...] = ()  # listed once for each class

    def __str__(self):
        return self.id

    def make(self, **arguments):
        """Our optimizer, at the row's learning rate unless told otherwise."""
        merged = {"learning_rate": self.learning_rate, **self.options, **arguments}
        return getattr(tfoptim, self.name)(**merged)

    def make_keras(self, **arguments):
        """Keras's optimizer with the same formula and the same arguments."""
        options = self.options if self.keras_options is None else self.keras_options
        merged = {"learning_rate": self.learning_rate, **options, **arguments}
        return getattr(keras.optimizers, self.keras_name)(**merged)

    def trajectory(self, w, gradients, **arguments):
        """The paper's weights after each step, from the plain loop."""
        merged = {"learning_rate": self.learning_rate, **self.options, **arguments}
        return self.reference(w, gradients, **merged)


CASES = (
    Case(
        id="gd",
        name="GD",
        reference=reference.gd,
        keras_name="SGD",
        zero_gradient_noop=True,
        linear_in_gradient=True,
        signature="learning_rate=0.01",
    ),
    Case(
        id="sgd",
        name="SGD",
        reference=reference.sgd,
        keras_name="SGD",
        zero_gradient_noop=True,
        linear_in_gradient=True,
        bad=MOMENTUM,
    ),
    Case(
        id="sgd_momentum",
        name="SGD",
        reference=reference.sgd,
        options={"momentum": 0.9},
        keras_name="SGD",
        slots=("v",),
        linear_in_gradient=True,
    ),
    Case(
        id="sgd_nesterov",
        name="SGD",
        reference=reference.sgd,
        options={"momentum": 0.9, "nesterov": True},
        keras_name="SGD",
        slots=("v",),
        linear_in_gradient=True,
    ),
    Case(
        id="momentum",
        name="Momentum",
        reference=reference.momentum,
        keras_name="SGD",
        keras_options={"momentum": 0.9},
        slots=("v",),
        linear_in_gradient=True,
        signature="learning_rate=0.01, momentum=0.9, nesterov=False",
        bad=MOMENTUM,
    ),
    Case(
        id="momentum_nesterov",
        name="Momentum",
        reference=reference.momentum,
        options={"momentum": 0.8, "nesterov": True},
        keras_name="SGD",
        slots=("v",),
        linear_in_gradient=True,
    ),
    Case(
        id="adagrad",
        name="AdaGrad",
        reference=reference.adagrad,
        keras_name="Adagrad",
        learning_rate=0.2,
        slots=("G",),
        used_at_start=("initial_accumulator_value",),
        zero_gradient_noop=True,
        bad=(
            *refuses("initial_accumulator_value", -0.1, NOT_A_NUMBER, domain="x >= 0"),
            *EPSILON,
        ),
    ),
    Case(
        id="rmsprop",
        name="RMSprop",
        reference=reference.rmsprop,
        keras_name="RMSprop",
        slots=("v",),
        scale_invariant=True,
        bad=(*RHO, *MOMENTUM, *EPSILON),
    ),
    Case(
        id="rmsprop_momentum",
        name="RMSprop",
        reference=reference.rmsprop,
        options={"momentum": 0.9},
        keras_name="RMSprop",
        slots=("v", "b"),
        scale_invariant=True,
    ),
    Case(
        id="rmsprop_centered",
        name="RMSprop",
        reference=reference.rmsprop,
        options={"centered": True},
        keras_name="RMSprop",
        slots=("v", "a"),
        scale_invariant=True,
    ),
    Case(
        id="rmsprop_centered_momentum",
        name="RMSprop",
        reference=reference.rmsprop,
        options={"centered": True, "momentum": 0.5, "rho": 0.8},
        keras_name="RMSprop",
        slots=("v", "b", "a"),
        scale_invariant=True,
    ),
    Case(
        id="adadelta",
        name="Adadelta",
        reference=reference.adadelta,
        keras_name="Adadelta",
        learning_rate=20.0,
        slots=("a", "d"),
        bad=(*RHO, *EPSILON),
    ),
    Case(
        id="adam",
        name="Adam",
        reference=reference.adam,
        keras_name="Adam",
        slots=("m", "v"),
        scale_invariant=True,
        bad=(*BETAS, *EPSILON),
    ),
    Case(
        id="adam_amsgrad",
        name="Adam",
        reference=reference.adam,
        options={"amsgrad": True, "beta_2": 0.9},
        keras_name="Adam",
        slots=("m", "v", "v_max"),
        scale_invariant=True,
    ),
    Case(
        id="adamw",
        name="AdamW",
        reference=reference.adamw,
        keras_name="AdamW",
        slots=("m", "v"),
        scale_invariant=True,
        decays=True,
        bad=(*BETAS, *EPSILON),
    ),
    Case(
        id="adamw_amsgrad",
        name="AdamW",
        reference=reference.adamw,
        options={"weight_decay": 0.1, "amsgrad": True, "beta_2": 0.9},
        keras_name="AdamW",
        slots=("m", "v", "v_max"),
        scale_invariant=True,
        decays=True,
    ),
    Case(
        id="adamax",
        name="Adamax",
        reference=reference.adamax,
        keras_name="Adamax",
        slots=("m", "u"),
        scale_invariant=True,
        bad=(*BETAS, *EPSILON),
    ),
    Case(
        id="nadam",
        name="Nadam",
        reference=reference.nadam,
        keras_name="Nadam",
        slots=("m", "v"),
        scale_invariant=True,
        shared_state=("P",),
        bad=(*BETAS, *EPSILON),
    ),
)

CLASSES = tuple({case.name: case for case in reversed(CASES)}.values())  # first row of each class
