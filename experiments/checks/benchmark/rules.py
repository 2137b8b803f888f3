"""The optimizers that are timed: the same rule, with the same arguments, in each library. Imports no library."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

LEARNING_RATE = 1e-3
ADAM = {"betas": (0.9, 0.999), "eps": 1e-7}


@dataclasses.dataclass(frozen=True)
class Rule:
    """One optimizer with its arguments, under the name it has in each library.

    Attributes:
        name: its name on the command line.
        title: its name in tables and figures.
        ours: the class in tfoptim.
        keras: the class in keras.optimizers.
        options: arguments of both classes; all have the learning rate besides.
        ours_only: arguments that only ours has; with them the two do not compute the same.
        keras_only: arguments that Keras's class needs to be the same rule.
        torch: the class in torch.optim, None where torch has no such rule.
        torch_options: its arguments.
        fused: whether torch has the rule fused into one kernel, on the CPU.
        slots: numbers kept for each weight, the moving average of the weights among them.
        readings: how often a gradient has to be read: twice where its norm is needed first.
        touched_rows: whether rows of a table without gradient may be left alone.
    """

    name: str
    title: str
    ours: str
    keras: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ours_only: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    keras_only: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    torch: str | None = None
    torch_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fused: bool = False
    slots: int = 0
    readings: int = 1
    touched_rows: bool = False

    @property
    def traffic(self) -> int:
        """Numbers that a step must move for each weight: weights and slots are read and written, gradients read."""
        return 2 + 2 * self.slots + self.readings


def _adam(name: str, title: str, slots: int = 2, **arguments: Any) -> Rule:
    return Rule(name, title, "Adam", "Adam", slots=slots, **arguments)


RULES = {
    rule.name: rule
    for rule in (
        Rule("gd", "GD", "GD", "SGD", torch="SGD", fused=True, touched_rows=True),
        Rule("sgd", "SGD", "SGD", "SGD", torch="SGD", fused=True, touched_rows=True),
        Rule(
            "momentum", "Momentum", "Momentum", "SGD", keras_only={"momentum": 0.9},
            torch="SGD", torch_options={"momentum": 0.9}, fused=True, slots=1,
        ),
        Rule(
            "adagrad", "AdaGrad", "AdaGrad", "Adagrad",
            torch="Adagrad", torch_options={"initial_accumulator_value": 0.1, "eps": 1e-7}, fused=True,
            slots=1, touched_rows=True,
        ),
        Rule("rmsprop", "RMSprop", "RMSprop", "RMSprop", torch="RMSprop",
             torch_options={"alpha": 0.9, "eps": 1e-7}, slots=1),
        Rule(
            "rmsprop_centered", "RMSprop centered", "RMSprop", "RMSprop",
            options={"momentum": 0.9, "centered": True}, slots=3,
            torch="RMSprop", torch_options={"alpha": 0.9, "eps": 1e-7, "momentum": 0.9, "centered": True},
        ),
        Rule("adadelta", "Adadelta", "Adadelta", "Adadelta", torch="Adadelta",
             torch_options={"rho": 0.95, "eps": 1e-7}, slots=2),
        _adam("adam", "Adam", torch="Adam", torch_options=ADAM, fused=True),
        _adam("adam_amsgrad", "Adam amsgrad", 3, options={"amsgrad": True}, torch="Adam",
              torch_options={**ADAM, "amsgrad": True}, fused=True),
        Rule("adamw", "AdamW", "AdamW", "AdamW", torch="AdamW",
             torch_options={**ADAM, "weight_decay": 0.004}, fused=True, slots=2),
        Rule("adamax", "Adamax", "Adamax", "Adamax", torch="Adamax", torch_options=ADAM, slots=2),
        Rule("nadam", "Nadam", "Nadam", "Nadam", torch="NAdam",
             torch_options={**ADAM, "momentum_decay": 1.0}, slots=2),
        _adam("adam_clipnorm", "Adam clipnorm", options={"clipnorm": 1.0}, readings=2),
        _adam("adam_global_clipnorm", "Adam global norm", options={"global_clipnorm": 1.0}, readings=2),
        _adam("adam_ema", "Adam use_ema", 3, options={"use_ema": True}),
        _adam("adam_lazy", "Adam lazy", ours_only={"lazy": True}, touched_rows=True),
    )
}  # fmt: skip
