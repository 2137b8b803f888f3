"""The rules of our own operation: which slots and numbers each functor of `tfoptim/native/src/rules.h` takes.

Its records come first in the table of kernels, so that they are chosen where the operation is there.
"""

from __future__ import annotations

from typing import Any

from tfoptim.rules.adabelief import AdaBelief
from tfoptim.rules.adadelta import Adadelta
from tfoptim.rules.adagrad import AdaGrad
from tfoptim.rules.adam import Adam
from tfoptim.rules.adamax import Adamax
from tfoptim.rules.ademamix import AdEMAMix
from tfoptim.rules.gd import GD
from tfoptim.rules.lamb import Lamb
from tfoptim.rules.lion import Lion
from tfoptim.rules.momentum import Momentum
from tfoptim.rules.nadam import Nadam
from tfoptim.rules.nadamw import NAdamW
from tfoptim.rules.radam import RAdam
from tfoptim.rules.rmsprop import RMSprop
from tfoptim.rules.yogi import Yogi
from tfoptim.update.kernels import add
from tfoptim.update.kernels.native import Formula


def rate(_: Any, h: Any) -> list[Any]:
    """The learning rate alone."""
    return [h.learning_rate]


def momentum(_: Any, h: Any) -> list[Any]:
    """Of heavy ball and of Nesterov's form."""
    return [h.learning_rate, h.momentum]


def adagrad(_: Any, h: Any) -> list[Any]:
    """Of AdaGrad."""
    return [h.learning_rate, h.epsilon]


def rmsprop(_: Any, h: Any) -> list[Any]:
    """Of all forms of RMSprop."""
    return [h.learning_rate, h.rho, h.momentum, h.epsilon]


def adadelta(_: Any, h: Any) -> list[Any]:
    """Of Adadelta."""
    return [h.learning_rate, h.rho, h.epsilon]


def lion(_: Any, h: Any) -> list[Any]:
    """Of Lion."""
    return [h.learning_rate, h.beta_1, h.beta_2]


def adam(_: Any, h: Any) -> list[Any]:
    """Of Adam; those of its relatives begin with them."""
    return [h.learning_rate, h.beta_1, h.beta_2, h.epsilon, h.t]


def nadam(optimizer: Any, h: Any) -> list[Any]:
    """Of Nadam."""
    return [*adam(optimizer, h), h.mu, h.mu_next, h.P]


def radam(optimizer: Any, h: Any) -> list[Any]:
    """Of RAdam."""
    return [*adam(optimizer, h), h.r]


def adabelief(optimizer: Any, h: Any) -> list[Any]:
    """Of AdaBelief."""
    return [*adam(optimizer, h), h.r if optimizer.rectify else 1.0]


def ademamix(optimizer: Any, h: Any) -> list[Any]:
    """Of AdEMAMix."""
    return [*adam(optimizer, h), h.a, h.b]


def lamb(optimizer: Any, h: Any) -> list[Any]:
    """Of Lamb."""
    decay = h.weight_decay if optimizer.decay_in_ratio else 0.0
    return [*adam(optimizer, h), decay, 0.0 if h.layer_adaptation is None else 1.0]


def adapts_as_lamb(optimizer: Any) -> bool:
    """Returns whether a class derived from Lamb keeps the factor of a layer."""
    return type(optimizer).adaptation is Lamb.adaptation


FORMULAS = (
    Formula(GD, "gd", (), rate),
    Formula(Momentum, "gd", (), rate),
    Formula(Momentum, "momentum", ("v",), momentum, variant=lambda optimizer: not optimizer.nesterov),
    Formula(Momentum, "nesterov", ("v",), momentum, variant=lambda optimizer: optimizer.nesterov),
    Formula(AdaGrad, "adagrad", ("G",), adagrad),
    Formula(RMSprop, "rmsprop", ("v",), rmsprop),
    Formula(RMSprop, "rmsprop_centered", ("v", "a"), rmsprop),
    Formula(RMSprop, "rmsprop_momentum", ("v", "b"), rmsprop),
    Formula(RMSprop, "rmsprop_centered_momentum", ("v", "b", "a"), rmsprop),
    Formula(Adadelta, "adadelta", ("a", "d"), adadelta),
    Formula(Adam, "adam", ("m", "v"), adam),
    Formula(Adam, "amsgrad", ("m", "v", "v_max"), adam),
    Formula(Adamax, "adamax", ("m", "u"), adam),
    Formula(Nadam, "nadam", ("m", "v"), nadam),
    Formula(NAdamW, "nadamw", ("m", "v"), adam),
    Formula(Lion, "lion", ("m",), lion),
    Formula(RAdam, "radam", ("m", "v"), radam),
    Formula(RAdam, "radam_amsgrad", ("m", "v", "v_max"), radam),
    Formula(AdEMAMix, "ademamix", ("m1", "m2", "v"), ademamix),
    Formula(Yogi, "yogi", ("m", "v"), adam),
    Formula(AdaBelief, "adabelief", ("m", "s"), adabelief),
    Formula(AdaBelief, "adabelief_amsgrad", ("m", "s", "s_max"), adabelief),
    Formula(Lamb, "lamb", ("m", "v"), lamb, variant=adapts_as_lamb),
)

add(*(formula.kernel() for formula in FORMULAS))
